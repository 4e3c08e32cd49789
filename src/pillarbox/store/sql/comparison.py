"""What an account holds, in the form in which another server's mailbox is compared with it."""

from __future__ import annotations

import json
from collections.abc import Collection

import msgspec

from pillarbox.ids import AccountId, BlobId, MailboxId, MessageId, Uid
from pillarbox.store.database import Reader

_ASKED_AT_ONCE = 500  # digests or hashes in one statement


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A message in a mailbox, by what tells it from others."""

    uid: Uid
    message: MessageId
    flags: int
    keywords: str
    blob: BlobId  # SHA-256 of the octets without our trace fields
    size: int  # as read, trace included
    traced: int  # octets of the trace
    id_hash: int  # of its Message-ID (`threads.id_hash`); 0: it has none
    received_at: int


_HELD = """
    SELECT p.uid, p.message_id, p.flags, p.keywords, m.blob_id, m.size, length(m.trace),
        m.id_hash, m.received_at
    FROM placement p JOIN message m USING (account_id, message_id)
    WHERE p.account_id = ? AND p.mailbox_id = ?
    ORDER BY p.uid
"""


async def held(db: Reader, account: AccountId, mailbox: MailboxId) -> list[Held]:
    """All messages of a mailbox, by UID."""
    return [Held(*row) for row in await db.rows(_HELD, (account, mailbox))]


# No index leads from octets to their messages: one pass over the account for many digests.
_WITH_BLOBS = """
    SELECT DISTINCT m.blob_id, b.path
    FROM message m
    JOIN placement p USING (account_id, message_id)
    JOIN mailbox b USING (account_id, mailbox_id)
    WHERE m.account_id = ? AND hex(m.blob_id) IN (SELECT value FROM json_each(?))
"""


async def mailboxes_with(
    db: Reader, account: AccountId, blobs: Collection[BlobId]
) -> dict[BlobId, list[str]]:
    """The paths of the mailboxes in which octets lie; those that lie nowhere are left out."""
    found: dict[BlobId, list[str]] = {}
    wanted = sorted(blob.hex().upper() for blob in blobs)
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        part = json.dumps(wanted[start : start + _ASKED_AT_ONCE])
        for blob, path in await db.rows(_WITH_BLOBS, (account, part)):
            found.setdefault(BlobId(blob), []).append(path)
    return found
