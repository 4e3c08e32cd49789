"""One step of an operation: the next messages change, what they were is written down before."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.errors import NoSuchMailbox
from pillarbox.flow.bulk.actions import (
    Action,
    AddMailbox,
    Destroy,
    Move,
    RemoveMailbox,
    Restore,
    SetKeywords,
    UnsetKeywords,
    needed_mailboxes,
)
from pillarbox.flow.bulk.folders import doomed_of
from pillarbox.flow.bulk.refusals import CHANGED, FULL, GONE, KEYWORDS, LAST, Refused
from pillarbox.flow.bulk.restoring import restore
from pillarbox.flow.bulk.room import Room
from pillarbox.ids import AccountId, BulkId, MailboxId, MessageId
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag
from pillarbox.store.sql import bulk_former
from pillarbox.store.sql.bulk_lease import Step
from pillarbox.store.sql.email_places import Place, places_of
from pillarbox.store.sql.keywords import canonical
from pillarbox.store.sql.regrouping import Regrouping, State


async def do_step(
    tx: Transaction,
    account: AccountId,
    number: BulkId,
    action: Action,
    messages: Sequence[MessageId],
    within: MailboxId | None,
) -> Step:
    """Raises NoSuchMailbox where a mailbox that it needs is gone, LimitReached."""
    if isinstance(action, Restore):
        return await restore(tx, account, messages)
    step = _Doing(tx, account, action, within)
    await step.prepare(len(messages))
    places = await places_of(tx, account, messages, hidden=True)
    failed: dict[MessageId, str] = {}
    for message in messages:
        try:
            step.plan(message, places.get(message, []))
        except Refused as refused:
            failed[message] = refused.reason
    if step.groups.messages:
        await bulk_former.note(tx, account, number, list(step.groups.messages))
        await step.groups.apply()
    return Step(len(messages), len(messages) - len(failed), failed)


class _Doing:
    def __init__(
        self, tx: Transaction, account: AccountId, action: Action, within: MailboxId | None
    ) -> None:
        self._tx = tx
        self._account = account
        self._action = action
        self._within = within
        self._names: frozenset[str] = frozenset()  # as the account spells them
        self._room = Room()
        self._inside = {one.mailbox for one in doomed_of(action)}
        self.groups = Regrouping(tx, account)

    async def prepare(self, count: int) -> None:
        """Look at the account and its mailboxes."""
        tx, account, action = self._tx, self._account, self._action
        usable = await Regrouping.usable_mailboxes(tx, account, count)
        if not all(mailbox in usable for mailbox in needed_mailboxes(action)):
            raise NoSuchMailbox
        if isinstance(action, SetKeywords):
            spelled = await canonical(tx, account, " ".join(action.names))
            self._names = frozenset(spelled.split())
        if isinstance(action, AddMailbox):
            self._room = await Room.of(tx, account)

    def plan(self, message: MessageId, there: list[Place]) -> None:
        """Raises Refused."""
        if not isinstance(self._action, Destroy):  # what IMAP hides stays, hidden, where it is
            there = [place for place in there if not place.flags & Flag.DELETED]
        if not there:
            if self._inside or isinstance(self._action, Destroy):
                return  # somebody was quicker; what is hidden goes with its folder
            raise Refused(GONE)
        in_one = self._within is not None and not self._inside
        if in_one and all(one.mailbox != self._within for one in there):
            raise Refused(CHANGED)
        states = [self._state(place) for place in there]
        new, gone = self._places(there)
        if new or gone or any(_state_of(p) != s for p, s in zip(there, states, strict=True)):
            self.groups.add(there, states, new, gone)

    def _places(self, there: list[Place]) -> tuple[list[MailboxId], list[Place]]:
        """Mailboxes to add, places to leave."""
        boxes = {place.mailbox for place in there}
        match self._action:
            case Move(to, _, then) if then:
                gone = [p for p in there if p.mailbox in self._inside]
                return ([to] if len(gone) == len(there) else []), gone
            case Destroy(_, then) if then:
                return [], [p for p in there if p.mailbox in self._inside]
            case Move(to, source):
                gone = [p for p in there if p.mailbox != to and source in (None, p.mailbox)]
                if source is not None and source not in boxes:
                    raise Refused(CHANGED)
                return ([] if to in boxes else [to]), gone
            case Destroy(source):
                return [], self._destroyed(there, source or self._hiding(there))
            case AddMailbox(mailbox) if mailbox not in boxes:
                if not self._room.take(there[0].size, 1):
                    raise Refused(FULL)
                return [mailbox], []
            case RemoveMailbox(mailbox) if mailbox in boxes:
                if boxes == {mailbox}:
                    raise Refused(LAST)
                return [], [p for p in there if p.mailbox == mailbox]
        return [], []

    @staticmethod
    def _destroyed(there: list[Place], source: MailboxId | None) -> list[Place]:
        return [place for place in there if source in (None, place.mailbox)]

    def _hiding(self, there: list[Place]) -> MailboxId | None:
        r"""The mailbox that was emptied, if all that it had of a message was flagged \Deleted.

        Then nobody saw the message there, and where else it is it stays.
        """
        inside = [place.flags & Flag.DELETED for place in there if place.mailbox == self._within]
        return self._within if inside and all(inside) else None

    def _state(self, place: Place) -> State:
        match self._action:
            case SetKeywords(flags, _):
                names = {*place.keywords.split(), *self._names}
                if len(names) > self._tx.settings.max_keywords_of_message:
                    raise Refused(KEYWORDS)
                return place.flags | flags, " ".join(sorted(names))
            case UnsetKeywords(flags, fewer):
                left = [name for name in place.keywords.split() if name.lower() not in fewer]
                return place.flags & ~flags, " ".join(left)
        return _state_of(place)


def _state_of(place: Place) -> State:
    return place.flags, place.keywords
