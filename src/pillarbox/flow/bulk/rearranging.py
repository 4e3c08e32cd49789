"""Messages are given the places that they are to have, from wherever they are, or from nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from pillarbox.ids import AccountId, MailboxId, MessageId, Uid
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages as message_rows
from pillarbox.store.sql.email_places import Place, places_of
from pillarbox.store.sql.placing import NewPlace, place_again
from pillarbox.store.sql.regrouping import Regrouping, State, union

_DELETED = int(Flag.DELETED)
Wanted = Mapping[MailboxId, State]  # the places that a message is to have


class Rearranging:
    """`add` each message, then `apply`; the caller saw to the room."""

    def __init__(self, tx: Transaction, account: AccountId) -> None:
        self._tx = tx
        self._account = account
        self._groups = Regrouping(tx, account)
        self._anew: dict[MailboxId, list[NewPlace]] = {}
        self._wanted: dict[MessageId, Wanted] = {}  # whose new places may get other flags

    def add(self, message: MessageId, there: list[Place], wanted: Wanted) -> None:
        """`there`: its places now."""
        if not there:
            for mailbox, (flags, keywords) in wanted.items():
                self._anew.setdefault(mailbox, []).append(NewPlace(message, flags, keywords))
            return
        states = [_kept_hidden(place, wanted) for place in there]
        new = [mailbox for mailbox in wanted if not _has(there, mailbox, wanted)]
        gone = [place for place in there if _is_surplus(place, there, wanted)]
        same = all((p.flags, p.keywords) == s for p, s in zip(there, states, strict=True))
        if new or gone or not same:
            self._groups.add(there, states, new, gone)
        made = union(states)
        if any(wanted[mailbox] != made for mailbox in new):
            self._wanted[message] = {mailbox: wanted[mailbox] for mailbox in new}

    async def apply(self) -> None:
        """All of it. Raises NoSuchMailbox."""
        await self._groups.apply()
        for mailbox, new in self._anew.items():
            await place_again(self._tx, self._account, mailbox, new)
        await self._mend()

    async def _mend(self) -> None:
        """Places that were made from others have their flags; give them their own."""
        if not self._wanted:
            return
        now = await places_of(self._tx, self._account, list(self._wanted), hidden=True)
        mends: dict[tuple[MailboxId, State], list[Uid]] = {}
        for message, wanted in self._wanted.items():
            for place in now.get(message, []):
                state = wanted.get(place.mailbox)
                if state is None or (place.flags & _DELETED and not state[0] & _DELETED):
                    continue  # or what IMAP hides there beside the new place
                if state != (place.flags, place.keywords):
                    mends.setdefault((place.mailbox, state), []).append(place.uid)
        for (mailbox, (flags, keywords)), uids in mends.items():
            await message_rows.store_flags(
                self._tx, self._account, mailbox, uids, FlagChange.REPLACE, flags, keywords
            )


def _kept_hidden(place: Place, wanted: Wanted) -> State:
    r"""What a place is to have; one that is flagged \Deleted is IMAP's alone."""
    if place.flags & _DELETED or place.mailbox not in wanted:
        return place.flags, place.keywords
    flags, keywords = wanted[place.mailbox]
    return flags & ~_DELETED, keywords


def _has(there: list[Place], mailbox: MailboxId, wanted: Wanted) -> bool:
    """Whether a mailbox has what it is to have: a hidden place is none that is shown."""
    may_hide = wanted[mailbox][0] & _DELETED
    return any(p.mailbox == mailbox and (may_hide or not p.flags & _DELETED) for p in there)


def _is_surplus(place: Place, there: list[Place], wanted: Wanted) -> bool:
    """Not wanted there, or shown where only a hidden one was."""
    if place.mailbox not in wanted:
        return True
    if place.flags & _DELETED or not wanted[place.mailbox][0] & _DELETED:
        return False
    return any(p.mailbox == place.mailbox and p.flags & _DELETED for p in there)


def union_of(places: list[Place]) -> State:
    """What a client sees of all places of a message."""
    return union([(place.flags, place.keywords) for place in places])
