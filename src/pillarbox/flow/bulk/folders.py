"""Folders that go with their messages: the end of an operation that deletes a folder.

What arrives there while the operation runs is moved or destroyed, too; then the folders go.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from pillarbox.errors import NotAllowed, PillarboxError
from pillarbox.flow.bulk.actions import Action, Destroy, Doomed, Move
from pillarbox.ids import AccountId, MailboxId, MessageId, Uid
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.expunging import expunge_some
from pillarbox.store.sql.names import INBOX

_SHOWN_IN = """
    SELECT DISTINCT message_id FROM placement
    WHERE account_id = ? AND mailbox_id IN (SELECT value FROM json_each(?)) AND flags & 8 = 0
    LIMIT ?
"""


def doomed_of(action: Action) -> tuple[Doomed, ...]:
    """The folders that go at its end, those inside others first."""
    return action.then if isinstance(action, Move | Destroy) else ()


async def described(tx: Transaction, account: AccountId, action: Action) -> Action:
    """The action with the names of its folders, so that they can be made again.

    Raises NoSuchMailbox, NotAllowed.
    """
    if not isinstance(action, Move | Destroy) or not action.then:
        return action
    subscribed = await mailboxes.subscriptions(tx, account)
    found = [await mailboxes.get(tx, account, one.mailbox) for one in action.then]
    if any(box.path == INBOX for box in found):
        raise NotAllowed("The inbox stays.")
    if isinstance(action, Move) and any(box.id == action.to for box in found):
        raise NotAllowed("A folder cannot be moved into itself.")
    then = tuple([Doomed(box.id, box.path, box.path in subscribed) for box in found])
    return msgspec.structs.replace(action, then=then)


async def still_inside(
    db: Reader, account: AccountId, doomed: Sequence[Doomed], at_most: int
) -> list[MessageId]:
    """Some of the messages that are shown there."""
    ids = json.dumps([one.mailbox for one in doomed])
    return [MessageId(row[0]) for row in await db.rows(_SHOWN_IN, (account, ids, at_most))]


async def take_apart(
    tx: Transaction, account: AccountId, doomed: Sequence[Doomed], at_most: int
) -> tuple[int, str]:
    """A step: what IMAP hides goes first, then the empty folders.

    So many messages went (0: it is over), and why a folder stays.
    """
    there = {box.id: box for box in await mailboxes.tree(tx, account)}
    left = [there[one.mailbox] for one in doomed if one.mailbox in there]
    for box in left:
        if box.deleted:
            gone = await expunge_some(tx, account, box.id, after=Uid(0), at_most=at_most)
            return len(gone), ""
    for box in left:
        try:
            await _delete(tx, account, box)
        except PillarboxError as error:
            return 0, str(error)
    return 0, ""


async def _delete(tx: Transaction, account: AccountId, box: Mailbox) -> None:
    if await mailboxes.has_children(tx, box):
        raise NotAllowed(f"There are folders in {box.path}, so it stays.")
    await mailboxes.delete(tx, account, box.path)
    await mailboxes.unsubscribe(tx, account, box.path)


async def make_again(tx: Transaction, account: AccountId, action: Action) -> None:
    """For an undo; one that cannot be made is done without."""
    there = {box.id for box in await mailboxes.tree(tx, account)}
    for one in reversed(doomed_of(action)):  # what is inside others comes last
        if one.mailbox in there or await mailboxes.find(tx, account, one.path) is not None:
            continue
        try:
            await mailboxes.create(tx, account, one.path)
        except PillarboxError:
            continue
        if one.is_subscribed:
            await mailboxes.subscribe(tx, account, one.path)


async def made_again(db: Reader, account: AccountId, action: Action) -> dict[MailboxId, MailboxId]:
    """Which mailbox is now there for one that went."""
    now: dict[MailboxId, MailboxId] = {}
    for one in doomed_of(action):
        box = await mailboxes.find(db, account, one.path)
        if box is not None and box.selectable and box.id != one.mailbox:
            now[one.mailbox] = box.id
    return now
