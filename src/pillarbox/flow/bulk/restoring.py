"""One step of bringing back messages that were destroyed and are still kept."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.flow.bulk.refusals import FULL, GONE
from pillarbox.flow.bulk.room import Room
from pillarbox.ids import AccountId, MailboxId, MessageId
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag, Mailbox, Role
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.bulk_lease import Step
from pillarbox.store.sql.deleted import Grave, graves
from pillarbox.store.sql.email_places import places_of
from pillarbox.store.sql.placing import NewPlace, kept, place_again
from pillarbox.store.sql.regrouping import Regrouping

_SHOWN = ~int(Flag.DELETED)


async def restore(tx: Transaction, account: AccountId, messages: Sequence[MessageId]) -> Step:
    """Into the mailboxes that they were in last, the trash left out, or into the inbox."""
    usable = await Regrouping.usable_mailboxes(tx, account, len(messages))
    inbox = await mailboxes.by_role(tx, account, Role.INBOX)
    assert inbox is not None  # it cannot be deleted
    there = await places_of(tx, account, messages, hidden=True)
    sizes = await kept(tx, account, messages)
    buried = await graves(tx, account, messages)
    room = await Room.of(tx, account)
    failed: dict[MessageId, str] = {}
    new: dict[MailboxId, list[NewPlace]] = {}
    for message in messages:
        if message in there:
            continue  # somebody was quicker
        if message not in sizes or message not in buried:
            failed[message] = GONE
            continue
        wanted = _former(buried[message], usable, inbox.id)
        if not room.take(len(wanted) * sizes[message], len(wanted)):
            failed[message] = FULL
            continue
        for mailbox, grave in wanted.items():
            place = NewPlace(message, grave.flags & _SHOWN, grave.keywords)
            new.setdefault(mailbox, []).append(place)
    for mailbox, places in new.items():
        await place_again(tx, account, mailbox, places)
    return Step(len(messages), len(messages) - len(failed), failed)


def _former(
    buried: list[Grave], usable: dict[MailboxId, Mailbox], inbox: MailboxId
) -> dict[MailboxId, Grave]:
    """Where it was when it was destroyed; if that was the trash, where it was before."""
    outside = [one for one in buried if not _is_trash(usable.get(one.mailbox))]
    latest = max((one.modseq for one in outside), default=None)
    there = {one.mailbox: one for one in outside if one.modseq == latest and one.mailbox in usable}
    return there or {inbox: max(buried, key=lambda one: one.modseq)}


def _is_trash(mailbox: Mailbox | None) -> bool:
    return mailbox is not None and mailbox.role is Role.TRASH
