"""All places of a message at once: what JMAP calls an Email has one set of flags for all."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from pillarbox.ids import AccountId, BlobId, MailboxId, MessageId, Uid
from pillarbox.message.part import Digest
from pillarbox.store.database import Reader
from pillarbox.store.model import Flag
from pillarbox.store.sql.threads import id_hash

_ASKED_AT_ONCE = 500  # ids in one statement


class Place(msgspec.Struct, frozen=True, array_like=True):
    """One place of a message."""

    mailbox: MailboxId
    uid: Uid
    message: MessageId
    flags: int
    keywords: str
    size: int
    saved_at: int = 0  # Unix seconds


_PLACES = """
    SELECT mailbox_id, uid, message_id, flags, keywords, size, saved_at FROM placement
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?)) AND flags & ? = 0
    ORDER BY message_id, mailbox_id, uid
"""


async def places_of(
    db: Reader, account: AccountId, messages: Sequence[MessageId], *, hidden: bool = False
) -> dict[MessageId, list[Place]]:
    r"""The places of those messages that have any.

    `hidden`: also those that IMAP flagged \Deleted, which are none for JMAP (RFC 8621 §4.1.1).
    """
    left_out = 0 if hidden else int(Flag.DELETED)
    found: dict[MessageId, list[Place]] = {}
    for start in range(0, len(messages), _ASKED_AT_ONCE):
        part = json.dumps(messages[start : start + _ASKED_AT_ONCE])
        for row in await db.rows(_PLACES, (account, part, left_out)):
            place = Place(*row)
            found.setdefault(place.message, []).append(place)
    return found


_TWIN = """
    SELECT p.message_id FROM thread_ref r
    JOIN placement p ON p.account_id = r.account_id AND p.thread_id = r.thread_id
    JOIN message m ON m.account_id = p.account_id AND m.message_id = p.message_id
    WHERE r.account_id = ? AND r.hash = ? AND r.subject_hash = ? AND m.blob_id = ?
        AND p.flags & 8 = 0
    LIMIT 1
"""


async def twin_of(db: Reader, account: AccountId, digest: Digest, blob: BlobId) -> MessageId | None:
    """A message of the same octets that is in a mailbox.

    Found by its Message-ID; a message without one may be there twice.
    """
    if not digest.message_id:
        return None
    subject = id_hash(digest.sort.base_subject.encode("utf-8", "surrogateescape"))
    row = await db.row(_TWIN, (account, id_hash(digest.message_id), subject, blob))
    return None if row is None else MessageId(row[0])
