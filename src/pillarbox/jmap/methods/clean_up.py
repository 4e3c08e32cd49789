"""CleanUp/get, a capability of ours: what takes room, each with a filter for a BulkOperation."""

from __future__ import annotations

from pillarbox.ids import ModSeq
from pillarbox.jmap.capabilities import CLEANUP
from pillarbox.jmap.clean_up import Cards
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.ids import state_of
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.standard import Get, got, wanted_ids, wanted_properties
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.sql.changes import account_modseq

PROPERTIES = ("id", "count", "octets", "filter", "senders")


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """CleanUp/get; `ids` are names of cards."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, PROPERTIES)
    modseq, cards = await _cards(ctx)
    shown = [
        {name: value for name, value in card.items() if name in wanted}
        for card in cards
        if ids is None or card["id"] in ids
    ]
    known = {card["id"] for card in cards}
    return got(arguments, state_of(modseq), shown, [one for one in ids or () if one not in known])


async def _cards(ctx: Context) -> tuple[ModSeq, list[Answer]]:
    services, now = ctx.services, ctx.services.clock.now()
    modseq = await ctx.store.read(lambda db: account_modseq(db, ctx.account))
    kept = services.clean_ups.find(ctx.account, modseq, now.date())
    if kept is not None:
        return modseq, kept

    async def reckon(search: AccountSearch) -> tuple[ModSeq, list[Answer]]:
        at = await account_modseq(search.db, search.account)
        return at, await (await Cards.of(search)).all(now)

    modseq, cards = await ctx.store.ask_account(ctx.account, reckon)
    services.clean_ups.keep(ctx.account, modseq, now.date(), cards)
    return modseq, cards


def _nothing(_services: Services) -> Answer:
    return {}


CAPABILITY = Capability(
    CLEANUP, _nothing, _nothing, (Method("CleanUp/get", CLEANUP, Get, run_get),)
)
