"""Messages are given the places that they are to have, from wherever they are, or from nowhere."""

from __future__ import annotations

from collections.abc import Mapping

from pillarbox.ids import AccountId, MailboxId, MessageId, Uid
from pillarbox.store.database import Transaction
from pillarbox.store.model import FlagChange
from pillarbox.store.sql import messages as message_rows
from pillarbox.store.sql.email_places import Place, places_of
from pillarbox.store.sql.placing import NewPlace, place_again
from pillarbox.store.sql.regrouping import Regrouping, State, union

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
        boxes = {place.mailbox for place in there}
        states = [wanted.get(place.mailbox, (place.flags, place.keywords)) for place in there]
        new = [mailbox for mailbox in wanted if mailbox not in boxes]
        gone = [place for place in there if place.mailbox not in wanted]
        same = all((p.flags, p.keywords) == s for p, s in zip(there, states, strict=True))
        if new or gone or not same:
            self._groups.add(there, states, new, gone)
        made = union(states)
        if any(wanted[mailbox] != made for mailbox in new):
            self._wanted[message] = wanted

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
                if state is not None and state != (place.flags, place.keywords):
                    mends.setdefault((place.mailbox, state), []).append(place.uid)
        for (mailbox, (flags, keywords)), uids in mends.items():
            await message_rows.store_flags(
                self._tx, self._account, mailbox, uids, FlagChange.REPLACE, flags, keywords
            )


def union_of(places: list[Place]) -> State:
    """What a client sees of all places of a message."""
    return union([(place.flags, place.keywords) for place in places])
