"""The end of retention: tombstones, messages without a place, octets without a message."""

from __future__ import annotations

import json

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId, ModSeq
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.pop_view import forget_fetched

_AT_ONCE = 2000  # messages deleted in one statement


class Expired(msgspec.Struct, frozen=True):
    """Tombstones of one mailbox whose time is over."""

    account: AccountId
    mailbox: MailboxId
    modseq: ModSeq  # the highest of them


_EXPIRED = """
    SELECT account_id, mailbox_id, max(modseq) FROM expunged WHERE expunged_at < ?
    GROUP BY account_id, mailbox_id
"""


async def expired(db: Reader, before: int) -> list[Expired]:
    """Mailboxes that have tombstones from before an instant."""
    return [Expired(*row) for row in await db.rows(_EXPIRED, (before,))]


_BURIED = """
    DELETE FROM expunged
    WHERE account_id = ?1 AND mailbox_id = ?2 AND (modseq, uid) IN (
        SELECT modseq, uid FROM expunged
        WHERE account_id = ?1 AND mailbox_id = ?2 AND modseq <= ?3 AND expunged_at < ?4 LIMIT ?5)
    RETURNING message_id
"""
_PRUNED = """
    UPDATE mailbox SET pruned_modseq = max(pruned_modseq, ?)
    WHERE account_id = ? AND mailbox_id = ?
"""
_PRUNED_ACCOUNT = """
    UPDATE account SET pruned_modseq = max(pruned_modseq, ?) WHERE account_id = ?
"""


async def prune(tx: Transaction, one: Expired, before: int, at_most: int) -> list[MessageId]:
    """Delete so many of a mailbox's old tombstones; the message that each of them told of.

    Whoever needs one of them cannot calculate changes, from the first step on.
    """
    rows = await tx.run(_BURIED, (one.account, one.mailbox, one.modseq, before, at_most))
    await tx.run(_PRUNED, (one.modseq, one.account, one.mailbox))
    await tx.run(_PRUNED_ACCOUNT, (one.modseq, one.account))
    return [message for (message,) in rows]


_DELETE = """
    DELETE FROM message
    WHERE account_id = ?1 AND message_id IN (SELECT value FROM json_each(?2))
        AND NOT EXISTS (
            SELECT 1 FROM placement
            WHERE placement.account_id = ?1 AND placement.message_id = message.message_id)
        AND message_id NOT IN (SELECT message_id FROM expunged WHERE account_id = ?1)
    RETURNING message_id, blob_id
"""
_RELEASE = "UPDATE blob SET refs = refs - 1 WHERE blob_id = ?"
_FORGET_THREADS = """
    DELETE FROM thread_ref WHERE account_id = ?1
        AND thread_id NOT IN (SELECT thread_id FROM message WHERE account_id = ?1)
"""


async def delete_messages(
    tx: Transaction, account: AccountId, messages: list[MessageId]
) -> list[MessageId]:
    """Delete those that have neither a place nor a tombstone any more; which they were."""
    gone: list[MessageId] = []
    for start in range(0, len(messages), _AT_ONCE):
        part = json.dumps(messages[start : start + _AT_ONCE])
        rows = await tx.run(_DELETE, (account, part))
        await tx.run_many(_RELEASE, [(blob,) for _, blob in rows])
        gone.extend(message for message, _ in rows)
    await forget_fetched(tx, account, gone)
    return gone


async def forget_threads(tx: Transaction, account: AccountId) -> None:
    """Delete what finds threads that have no message any more; looks at the whole account."""
    await tx.run(_FORGET_THREADS, (account,))


_FORGET_MAILBOXES = "DELETE FROM mailbox_gone WHERE gone_at < ? RETURNING account_id, modseq"
_FORGET_BLOBS = "DELETE FROM blob WHERE refs = 0 RETURNING length"


async def forget_mailboxes(tx: Transaction, before: int) -> None:
    """Delete the memory of mailboxes that went before an instant."""
    gone = sorted(await tx.run(_FORGET_MAILBOXES, (before,)))
    await tx.run_many(_PRUNED_ACCOUNT, [(modseq, account) for account, modseq in gone])


async def forget_blobs(tx: Transaction) -> list[int]:
    """Delete the rows of octets that nothing refers to; the lengths of their records."""
    return [length for (length,) in await tx.run(_FORGET_BLOBS)]
