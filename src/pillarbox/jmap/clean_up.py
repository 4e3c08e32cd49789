"""The cards of the clean-up assistant: what takes room, and the filter that finds just that.

Each figure is reckoned by the filter that stands beside it, so an operation on the filter frees
what was promised.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pillarbox.jmap.filters import MOST_IDS, store_query
from pillarbox.jmap.ids import email_id, mailbox_id
from pillarbox.jmap.method import Answer
from pillarbox.store.model import Mailbox, Role
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.search.weights import SenderWeight, Weight, Weights
from pillarbox.store.sql import mailboxes

LARGE = 5_000_000  # octets of a message
LARGE_SENT = 1_000_000  # with files, in Sent
LARGE_FILE = 100_000  # encoded octets of a file that two messages have
YEARS = 3
MOST_SENDERS = 20
_LIST = {"header": ["List-Unsubscribe"]}

Filter = dict[str, Any]


class Cards:
    """Of one account, in one snapshot."""

    def __init__(self, search: AccountSearch, weights: Weights, tree: list[Mailbox]) -> None:
        self._search = search
        self._weights = weights
        self._roles = {one.role: one.id for one in tree if one.role is not None}
        bins = [self._roles[role] for role in (Role.TRASH, Role.JUNK) if role in self._roles]
        self._outside: Filter = {"inMailboxOtherThan": [mailbox_id(one) for one in bins]}

    @classmethod
    async def of(cls, search: AccountSearch) -> Cards:
        """Read what all cards need."""
        tree = await mailboxes.tree(search.db, search.account)
        return cls(search, await Weights.of(search), tree)

    async def all(self, now: datetime) -> list[Answer]:
        """Every card, in the order of their ease: what is thrown away already comes first."""
        old = (now - timedelta(days=YEARS * 365.25)).strftime("%Y-%m-%dT00:00:00Z")
        cards = [
            await self._bin("trash", Role.TRASH),
            await self._bin("junk", Role.JUNK),
            await self._marked(),
            await self._card("largerThan5MB", {"minSize": LARGE} | self._outside),
            await self._card("olderThan3Years", {"before": old} | self._outside),
            await self._newsletters(),
            await self._top_senders(),
            await self._duplicates(),
            await self._sent(),
        ]
        return [card for card in cards if card is not None]

    async def _card(self, name: str, given: Filter) -> Answer:
        return _record(name, self._weights.of_messages(await self._find(given)), given)

    async def _find(self, given: Filter) -> set[int]:
        return await self._search.find(store_query(given, own=True, hidden=True))

    async def _bin(self, name: str, role: Role) -> Answer | None:
        r"""What IMAP flagged \Deleted there counts: who empties it destroys that, too."""
        mailbox = self._roles.get(role)
        if mailbox is None:
            return None
        given = {"inMailbox": mailbox_id(mailbox)}
        found = await self._search.with_hidden().find(store_query(given))
        return _record(name, self._weights.of_messages(found), given)

    async def _marked(self) -> Answer | None:
        r"""What mail programs flagged \Deleted and never expunged; only where there is any."""
        card = await self._card("markedDeleted", {"markedDeleted": True})
        return card if card["count"] else None

    async def _newsletters(self) -> Answer:
        given = _LIST | self._outside
        found = await self._find(given)
        heaviest = await self._weights.by_sender(found, MOST_SENDERS)
        card = _record("newsletters", self._weights.of_messages(found), given)
        return card | {"senders": [_sender(one, given) for one in heaviest]}

    async def _top_senders(self) -> Answer:
        found = await self._find(self._outside)
        heaviest = await self._weights.by_sender(found, MOST_SENDERS)
        total = Weight(
            sum(one.weight.count for one in heaviest), sum(one.weight.octets for one in heaviest)
        )
        anyone = [{"fromAddress": one.address} for one in heaviest]
        given = {"operator": "OR", "conditions": anyone}
        both = {"operator": "AND", "conditions": [given, self._outside]}
        card = _record("topSenders", total, both)
        return card | {"senders": [_sender(one, self._outside) for one in heaviest]}

    async def _duplicates(self) -> Answer:
        with_files = {"minSize": LARGE_FILE, "hasAttachment": True} | self._outside
        found = await self._weights.duplicates(await self._find(with_files), LARGE_FILE)
        given = {"emailIds": [email_id(one) for one in found[:MOST_IDS]]}
        return await self._card("duplicateAttachments", given)

    async def _sent(self) -> Answer | None:
        sent = self._roles.get(Role.SENT)
        if sent is None:
            return None
        given = {"inMailbox": mailbox_id(sent), "hasAttachment": True, "minSize": LARGE_SENT}
        return await self._card("sentWithAttachments", given)


def _record(name: str, weight: Weight, given: Filter) -> Answer:
    return {"id": name, "count": weight.count, "octets": weight.octets, "filter": given}


def _sender(one: SenderWeight, given: Filter) -> Answer:
    """`emailId`: the latest message, in which to look for a name or a way to unsubscribe."""
    card = _record(one.address, one.weight, {"fromAddress": one.address} | given)
    return card | {"emailId": email_id(one.latest)}
