"""Changes of many messages' places, gathered, so that like ones are one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.store.model import Copied, Flag, FlagChange
from pillarbox.store.sql import mailboxes, messages
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.renumbering import is_full, renumber

if TYPE_CHECKING:
    from pillarbox.ids import AccountId, MailboxId, MessageId, Uid
    from pillarbox.store import Transaction
    from pillarbox.store.model import Mailbox
    from pillarbox.store.sql.email_places import Place

State = tuple[int, str]  # flags, keywords
_DELETED = int(Flag.DELETED)


class Regrouping:
    """`add` says what each message wants, `apply` does it all."""

    def __init__(self, tx: Transaction, account: AccountId) -> None:
        self._tx = tx
        self._account = account
        self._flags: dict[tuple[MailboxId, State], list[Uid]] = {}
        self._copies: dict[tuple[MailboxId, MailboxId], list[Uid]] = {}
        self._moves: dict[tuple[MailboxId, MailboxId], list[Uid]] = {}
        self._removed: dict[MailboxId, list[Uid]] = {}
        # Where a new place's flags are not those of the place that it is made from.
        self._mends: dict[tuple[MailboxId, MailboxId, Uid], State] = {}
        self.messages: set[MessageId] = set()

    @staticmethod
    async def usable_mailboxes(
        tx: Transaction, account: AccountId, records: int
    ) -> dict[MailboxId, Mailbox]:
        """Those that messages can be in, each with UIDs for so many more."""
        tree = await mailboxes.tree(tx, account)
        full = [box for box in tree if box.selectable and is_full(box.uid_next, records)]
        for box in full:
            await renumber(tx, account, box.id, await next_modseq(tx, account))
        if full:
            tree = await mailboxes.tree(tx, account)
        return {box.id: box for box in tree if box.selectable}

    def add(
        self, there: list[Place], states: list[State], new: list[MailboxId], gone: list[Place]
    ) -> None:
        """One message: its places with the flags they get, mailboxes to add, places to leave."""
        self.messages.add(there[0].message)
        after = dict(zip(there, states, strict=True))
        for place, state in after.items():
            if state != (place.flags, place.keywords):
                self._flags.setdefault((place.mailbox, state), []).append(place.uid)
        everywhere = union(states)
        for source, target in zip(gone, new, strict=False):
            self._moves.setdefault((source.mailbox, target), []).append(source.uid)
            self._mend(source, target, after[source], everywhere)
        for place in gone[len(new) :]:
            self._removed.setdefault(place.mailbox, []).append(place.uid)
        source = next((place for place in there if after[place] == everywhere), there[0])
        for target in new[len(gone) :]:
            self._copies.setdefault((source.mailbox, target), []).append(source.uid)
            self._mend(source, target, after[source], everywhere)

    def _mend(self, source: Place, target: MailboxId, has: State, wants: State) -> None:
        if has != wants:
            self._mends[source.mailbox, target, source.uid] = wants

    async def apply(self) -> None:
        """Flags first, so that new places get them; copies before their sources go.

        All that goes, goes at one modseq: so it is known where a message was last.
        """
        tx, account = self._tx, self._account
        for (mailbox, state), uids in self._flags.items():
            await self._set(mailbox, uids, state)
        for (source, target), uids in self._copies.items():
            copied = await messages.copy(tx, account, source, uids, target)
            await self._mended(source, target, copied)
        if not self._moves and not self._removed:
            return
        at = await next_modseq(tx, account)
        moved = [
            (source, target, await messages.move(tx, account, source, uids, target, at))
            for (source, target), uids in self._moves.items()
        ]
        for mailbox, uids in self._removed.items():
            await messages.expunge(tx, account, mailbox, uids, force=True, at=at)
        for source, target, copied in moved:  # at a later modseq
            await self._mended(source, target, copied)

    async def _mended(self, source: MailboxId, target: MailboxId, copied: Copied) -> None:
        wanted: dict[State, list[Uid]] = {}
        for old, new in zip(copied.source, copied.target, strict=True):
            state = self._mends.get((source, target, old))
            if state is not None:
                wanted.setdefault(state, []).append(new)
        for state, uids in wanted.items():
            await self._set(target, uids, state)

    async def _set(self, mailbox: MailboxId, uids: list[Uid], state: State) -> None:
        flags, keywords = state
        await messages.store_flags(
            self._tx, self._account, mailbox, uids, FlagChange.REPLACE, flags, keywords
        )


def union(states: list[State]) -> State:
    r"""What a client sees of all places, those left out that are \Deleted if others are not."""
    flags = 0
    names: set[str] = set()
    for state in [one for one in states if not one[0] & _DELETED] or states:
        flags |= state[0]
        names |= set(state[1].split())
    return flags & ~_DELETED, " ".join(sorted(names))
