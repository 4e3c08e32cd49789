"""A mailbox made, changed or destroyed as JMAP means it: one transaction each (RFC 8621 §2.5)."""

from __future__ import annotations

from pillarbox.errors import (
    AlreadyExists,
    BadName,
    LimitReached,
    MailboxHasChildren,
    NoSuchMailbox,
    NotAllowed,
    PillarboxError,
)
from pillarbox.ids import AccountId, MailboxId
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.ids import number_of
from pillarbox.jmap.mailbox_draft import Draft, refuse_unknown_parent
from pillarbox.jmap.mailbox_view import INBOX_NAME
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import DELIMITER, Mailbox, Role
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.expunging import expunge_first
from pillarbox.store.sql.names import INBOX

STEP = 500  # messages that go in one transaction: some ten milliseconds


def refusal(error: PillarboxError) -> RecordRefused:
    """What of the store's errors becomes a SetError; raises the others again."""
    match error:
        case RecordRefused():
            return error
        case AlreadyExists() | BadName():
            return invalid_properties(str(error), "name")
        case NoSuchMailbox():
            return RecordRefused("notFound")
        case MailboxHasChildren():
            return RecordRefused("mailboxHasChild")
        case LimitReached():
            return RecordRefused("overQuota", str(error))
        case NotAllowed():
            return RecordRefused("forbidden", str(error))
    raise error


async def create(tx: Transaction, account: AccountId, draft: Draft) -> Mailbox:
    """Raises RecordRefused and the store's errors."""
    path = await _path(tx, account, draft)
    if await mailboxes.find(tx, account, path) is not None:  # also a level that holds no mail
        raise AlreadyExists("There is a mailbox of that name already.")
    if draft.role is Role.INBOX:
        raise invalid_properties("There is one inbox.", "role")
    await _check_role(tx, account, draft.role)
    made = await mailboxes.create(tx, account, path, draft.role)
    if draft.sort_order is not None:
        await mailboxes.set_sort_order(tx, account, made.id, draft.sort_order)
    await _subscribe(tx, account, made.path, draft.is_subscribed)
    return made


async def update(
    tx: Transaction, account: AccountId, mailbox: MailboxId, before: Draft, draft: Draft
) -> None:
    """Make it what `draft` says; `before` is what the client changed it from.

    Raises RecordRefused and the store's errors.
    """
    there = await mailboxes.get(tx, account, mailbox)
    if (draft.name, draft.parent) != (before.name, before.parent):
        await _move(tx, account, there, draft)
        there = await mailboxes.get(tx, account, mailbox)
    if draft.role is not before.role:
        await _check_role(tx, account, draft.role)
        if draft.role is not None and not there.selectable:
            raise invalid_properties("What holds no mail has no role.", "role")
        await mailboxes.set_role(tx, account, mailbox, draft.role)
    if draft.sort_order != before.sort_order:
        await mailboxes.set_sort_order(tx, account, mailbox, draft.sort_order)
    if draft.is_subscribed != before.is_subscribed:
        await _subscribe(tx, account, there.path, draft.is_subscribed)


async def destroy(
    tx: Transaction, account: AccountId, mailbox: MailboxId, *, remove_emails: bool
) -> bool:
    """A step: the messages of a large one go first, some at a time. False: there is more to do.

    Raises RecordRefused and the store's errors.
    """
    there = await mailboxes.get(tx, account, mailbox)
    if there.path == INBOX:
        raise RecordRefused("forbidden", "The inbox stays.")
    if await mailboxes.has_children(tx, there):
        raise MailboxHasChildren
    if there.messages > there.deleted and not remove_emails:
        raise RecordRefused("mailboxHasEmail")
    if there.messages > STEP:
        await expunge_first(tx, account, mailbox, STEP)
        return False
    await mailboxes.delete(tx, account, there.path)
    await mailboxes.unsubscribe(tx, account, there.path)
    return True


async def _path(db: Reader, account: AccountId, draft: Draft) -> str:
    """Where a mailbox of that name and parent lies."""
    if draft.parent is None:
        return INBOX if draft.name == INBOX_NAME else draft.name
    try:
        parent = await mailboxes.get(db, account, MailboxId(number_of("F", draft.parent)))
    except NoSuchMailbox as error:
        raise refuse_unknown_parent() from error
    return parent.path + DELIMITER + draft.name


async def _move(tx: Transaction, account: AccountId, there: Mailbox, draft: Draft) -> None:
    """Subscriptions move along, which they do not where IMAP renames (RFC 9051 §6.3.6)."""
    if there.path == INBOX:
        raise RecordRefused("forbidden", "The inbox keeps its name and place.")
    path = await _path(tx, account, draft)
    if path.startswith(there.path + DELIMITER):
        raise invalid_properties("A mailbox cannot be inside itself.", "parentId")
    if path == there.path:
        return
    moved = await mailboxes.rename(tx, account, there.path, path)
    for old in sorted(await mailboxes.subscriptions(tx, account)):
        if old == there.path or old.startswith(there.path + DELIMITER):
            await mailboxes.unsubscribe(tx, account, old)
            await mailboxes.subscribe(tx, account, moved.path + old[len(there.path) :])


async def _check_role(db: Reader, account: AccountId, role: Role | None) -> None:
    if role is not None and await mailboxes.by_role(db, account, role) is not None:
        raise invalid_properties("Another mailbox has that role.", "role")


async def _subscribe(tx: Transaction, account: AccountId, path: str, is_subscribed: bool) -> None:
    change = mailboxes.subscribe if is_subscribed else mailboxes.unsubscribe
    await change(tx, account, path)
