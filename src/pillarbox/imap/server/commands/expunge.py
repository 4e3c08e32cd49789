"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9; HIGHESTMODSEQ: RFC 7162 §3.2.7)."""

from __future__ import annotations

from functools import partial

from pillarbox.ids import Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks, parse_nothing
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.untagged import indexes_of, refresh
from pillarbox.imap.server.view import View
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet
from pillarbox.store.sql import expunging

# Messages removed in one commit: all others wait for it, and for these it takes 50 ms.
EXPUNGED_AT_ONCE = 10_000


def parse_uid_expunge(reader: Reader, hooks: Hooks) -> SequenceSet:
    """A set of UIDs."""
    return reader.sequence_set()


async def run_expunge(wanted: SequenceSet | None, ctx: Context) -> Done:
    """Remove what is flagged deleted: all of it, or what the set names."""
    view = ctx.selected
    if view.read_only:
        raise No("The mailbox was opened read-only.", codes.READ_ONLY)
    uids: list[Uid] | None = None
    if wanted is not None:
        uids = [Uid(view.uids[at]) for at in await indexes_of(ctx, wanted, by_uid=True)]
    if uids is None:
        expunged = await expunge_all(ctx, view)
    else:
        expunged = await _expunge_these(ctx, view, uids)
    await refresh(ctx, tell_expunged=True)
    code = codes.highest_modseq(view.modseq) if expunged and ctx.condstore else None
    return Done("expunged", code)


async def expunge_all(ctx: Context, view: View) -> bool:
    """Remove all that is flagged deleted; whether there was any. Raises NoSuchMailbox."""
    account, mailbox = view.mailbox.account, view.mailbox.id
    last, found = Uid(0), False
    while True:
        step = partial(
            expunging.expunge_some,
            account=account,
            mailbox=mailbox,
            after=last,
            at_most=EXPUNGED_AT_ONCE,
        )
        gone = await ctx.write(step)
        found = found or bool(gone)
        if len(gone) < EXPUNGED_AT_ONCE:
            return found
        last = gone[-1].uid


async def _expunge_these(ctx: Context, view: View, uids: list[Uid]) -> bool:
    account, mailbox = view.mailbox.account, view.mailbox.id
    found = False
    for start in range(0, len(uids), EXPUNGED_AT_ONCE):
        part = uids[start : start + EXPUNGED_AT_ONCE]
        step = partial(expunging.expunge, account=account, mailbox=mailbox, uids=part)
        found = bool(await ctx.write(step)) or found
    return found


COMMANDS = (
    CommandSpec("EXPUNGE", SELECTED, parse_nothing, run_expunge, breaks_seqnums=True),
    CommandSpec("UID EXPUNGE", SELECTED, parse_uid_expunge, run_expunge, breaks_seqnums=True),
)
