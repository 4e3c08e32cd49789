"""Messages that are in no mailbox get a place again, as long as they are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import Flag
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.renumbering import is_full, renumber

_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)


class NewPlace(msgspec.Struct, frozen=True, array_like=True):
    """A message and the flags that it has there."""

    message: MessageId
    flags: int
    keywords: str


_KEPT = """
    SELECT message_id, size FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""


async def kept(
    db: Reader, account: AccountId, messages: Sequence[MessageId]
) -> dict[MessageId, int]:
    """The sizes of those that are still stored, in a mailbox or not."""
    rows = await db.rows(_KEPT, (account, json.dumps(messages)))
    return {MessageId(message): size for message, size in rows}


_PLACE = """
    INSERT INTO placement
        (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, size, saved_at,
        received_at, placed_modseq, thread_id)
    SELECT m.account_id, ?1, ?2 + new.key, m.message_id, new.value ->> 1, new.value ->> 2, ?3,
        m.size, ?4, m.received_at, ?3, m.thread_id
    FROM json_each(?5) new CROSS JOIN message m
        ON m.account_id = ?6 AND m.message_id = CAST(new.value ->> 0 AS INTEGER)
    RETURNING size, flags
"""
_COUNT_IN_MAILBOX = """
    UPDATE mailbox SET uid_next = uid_next + ?, modseq = ?, messages = messages + ?,
        unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?
    WHERE account_id = ? AND mailbox_id = ?
"""
_COUNT_IN_ACCOUNT = """
    UPDATE account SET used_octets = used_octets + ?, used_messages = used_messages + ?
    WHERE account_id = ?
"""


async def place_again(
    tx: Transaction, account: AccountId, mailbox: MailboxId, new: Sequence[NewPlace]
) -> None:
    """Into one mailbox; the caller has seen that they are kept and that there is room.

    Raises NoSuchMailbox.
    """
    into = await mailboxes.get(tx, account, mailbox)
    if is_full(into.uid_next, len(new)):
        number, _, _ = await renumber(tx, account, mailbox, await next_modseq(tx, account))
        into = await mailboxes.get(tx, account, number)
    modseq = await next_modseq(tx, account)
    listed = msgspec.json.encode(new).decode()
    rows = await tx.run(_PLACE, (into.id, into.uid_next, modseq, tx.now(), listed, account))
    unseen = sum(1 for _, flags in rows if not flags & _SEEN)
    deleted = sum(1 for _, flags in rows if flags & _DELETED)
    octets = sum(size for size, _ in rows)
    counts = (len(new), modseq, len(rows), unseen, deleted, octets)
    await tx.run(_COUNT_IN_MAILBOX, (*counts, account, into.id))
    await tx.run(_COUNT_IN_ACCOUNT, (octets, len(rows), account))
