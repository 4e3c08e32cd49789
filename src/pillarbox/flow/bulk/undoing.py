"""One step of an undo: what an operation changed is as it was; what others changed since stays.

An operation that moved messages is undone by moving them back, and leaves alone that they were read
meanwhile; who moved one of them elsewhere since finds it there. Where nothing else happened, each
message has the very mailboxes and flags that it had.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pillarbox.flow.bulk.actions import (
    Action,
    AddMailbox,
    Destroy,
    Move,
    RemoveMailbox,
    SetKeywords,
    UnsetKeywords,
)
from pillarbox.flow.bulk.folders import made_again
from pillarbox.flow.bulk.rearranging import Rearranging, Wanted, union_of
from pillarbox.flow.bulk.refusals import CHANGED, FULL, GONE, Refused
from pillarbox.flow.bulk.room import Room
from pillarbox.ids import AccountId, BulkId, MailboxId, MessageId
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag, Role
from pillarbox.store.sql import bulk_former, mailboxes
from pillarbox.store.sql.bulk_lease import Step
from pillarbox.store.sql.email_places import Place, places_of
from pillarbox.store.sql.placing import kept
from pillarbox.store.sql.regrouping import Regrouping, State


async def undo_step(
    tx: Transaction,
    account: AccountId,
    undone: BulkId,
    action: Action,
    messages: Sequence[MessageId],
) -> Step:
    """`undone` did `action`; undo it for some of its messages."""
    former = await bulk_former.former(tx, account, undone, messages)
    sizes = await kept(tx, account, messages)
    usable = await Regrouping.usable_mailboxes(tx, account, 2 * len(messages))
    now = await places_of(tx, account, messages, hidden=True)
    again = await made_again(tx, account, action)
    inbox = await mailboxes.by_role(tx, account, Role.INBOX)
    assert inbox is not None  # it cannot be deleted
    room = await Room.of(tx, account)
    work = Rearranging(tx, account)
    failed: dict[MessageId, str] = {}
    for message in messages:
        there, before = now.get(message, []), former.get(message, [])
        try:
            wanted = _wanted(action, there, before)
            wanted = {again.get(box, box): state for box, state in wanted.items()}
            wanted = {box if box in usable else inbox.id: state for box, state in wanted.items()}
            if message not in sizes:
                raise Refused(GONE)
            more = len(wanted) - len(there)
            if not room.take(more * sizes[message], more):
                raise Refused(FULL)
        except Refused as refused:
            failed[message] = refused.reason
        else:
            work.add(message, there, wanted)
    await work.apply()
    return Step(len(messages), len(messages) - len(failed), failed)


def _wanted(action: Action, there: list[Place], before: list[Place]) -> Wanted:
    """The places that a message had, with what happened since. Raises Refused."""
    if isinstance(action, SetKeywords | UnsetKeywords):
        if not there:
            raise Refused(GONE)
        return {place.mailbox: _unmarked(action, place, before) for place in _once_each(there)}
    boxes = {place.mailbox for place in there}
    target = _target(action, boxes, {place.mailbox for place in before})
    old = _states(before) if _is_as_left(there, before) else {}
    now = _states(there)
    other = union_of(there)
    return {box: old.get(box) or now.get(box) or other for box in sorted(target)}


def _is_as_left(there: list[Place], before: list[Place]) -> bool:
    """Nobody changed flags since: old places have theirs, a new one has those of all together."""
    old, made = _states(_shown(before)), union_of(before)
    return all(state == old.get(box, made) for box, state in _states(_shown(there)).items())


def _shown(places: list[Place]) -> list[Place]:
    return [place for place in places if not place.flags & Flag.DELETED]


def _states(places: list[Place]) -> dict[MailboxId, State]:
    return {place.mailbox: (place.flags, place.keywords) for place in _once_each(places)}


def _once_each(places: list[Place]) -> list[Place]:
    r"""A place for each mailbox: with the flags of all that is shown there, if anything is."""
    found: dict[MailboxId, list[Place]] = {}
    for place in places:
        found.setdefault(place.mailbox, []).append(place)
    return [_together(_shown(those) or those[-1:]) for those in found.values()]


def _together(places: list[Place]) -> Place:
    if len(places) == 1:
        return places[0]
    flags, keywords = union_of(places)
    return msgspec.structs.replace(places[0], flags=flags, keywords=keywords)


def _target(action: Action, now: set[MailboxId], before: set[MailboxId]) -> set[MailboxId]:
    match action:
        case Move(to, _, then):
            if not now:
                return before
            if to not in now and not (then and now & before):
                raise Refused(CHANGED)
            return (now - ({to} - before)) | before
        case Destroy():
            return now | before
        case AddMailbox(mailbox):
            if not now:
                raise Refused(GONE)
            return (now - ({mailbox} - before)) or before
        case RemoveMailbox(mailbox):
            if not now:
                raise Refused(GONE)
            return now | ({mailbox} & before)
    raise TypeError(f"not undone: {type(action).__name__}")


def _unmarked(action: SetKeywords | UnsetKeywords, place: Place, before: list[Place]) -> State:
    """Of what the operation set or took away, what was there before; all else as it is now."""
    same = [one for one in before if one.mailbox == place.mailbox] or before
    flags, keywords = union_of(same)
    ours = set(action.names)
    left = {name for name in place.keywords.split() if name.lower() not in ours}
    left |= {name for name in keywords.split() if name.lower() in ours}
    return place.flags & ~action.flags | flags & action.flags, " ".join(sorted(left))
