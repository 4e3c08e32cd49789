"""Which thread a message belongs to (RFC 8621 §3).

Two messages are of one thread when they share a message id, their own or one that they refer to,
and their base subjects agree. Ids and subjects are kept as 63-bit hashes; an account's thread is
numbered by its first message.
"""

from __future__ import annotations

import hashlib
import json

from pillarbox.ids import AccountId, MessageId, ThreadId
from pillarbox.message.part import Digest
from pillarbox.store.database import Transaction

_FIND = """
    SELECT min(thread_id) FROM json_each(?) CROSS JOIN thread_ref
    WHERE account_id = ? AND subject_hash = ? AND hash = value
"""
# Most messages begin a thread and have only their own id: a list of one costs five times this.
_FIND_ONE = """
    SELECT thread_id FROM thread_ref WHERE account_id = ? AND subject_hash = ? AND hash = ?
"""
_INSERT_ONE = """
    INSERT INTO thread_ref (account_id, thread_id, subject_hash, hash) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""
_INSERT = """
    INSERT INTO thread_ref (account_id, hash, thread_id, subject_hash)
    SELECT ?, value, ?, ? FROM json_each(?) WHERE true
    ON CONFLICT DO NOTHING
"""
_MAX_REFERENCES = 100


def id_hash(message_id: bytes) -> int:
    """63 bits that stand for a message id; 0 stands for none."""
    if not message_id:
        return 0
    return int.from_bytes(hashlib.blake2b(message_id, digest_size=8).digest(), "big") >> 1 or 1


def reference_hashes(digest: Digest) -> list[int]:
    """Of the References field, oldest first."""
    return [id_hash(reference) for reference in digest.references[:_MAX_REFERENCES]]


async def thread_of(
    tx: Transaction, account: AccountId, message: MessageId, digest: Digest
) -> ThreadId:
    """The thread that the new message joins, or its own."""
    hashes = {id_hash(digest.message_id), *reference_hashes(digest)} - {0}
    if not hashes:
        return ThreadId(message)
    subject = id_hash(digest.sort.base_subject.encode("utf-8", "surrogateescape"))
    if len(hashes) == 1:
        one = hashes.pop()
        row = await tx.row(_FIND_ONE, (account, subject, one))
        if row:
            return ThreadId(row[0])
        await tx.run(_INSERT_ONE, (account, message, subject, one))
        return ThreadId(message)
    wanted = json.dumps(list(hashes))
    row = await tx.row(_FIND, (wanted, account, subject))
    thread = ThreadId(row[0] if row and row[0] is not None else message)
    await tx.run(_INSERT, (account, thread, subject, wanted))
    return thread
