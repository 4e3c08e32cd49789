"""Messages that were destroyed and are kept for a while: who has no place but a tombstone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId, ModSeq
from pillarbox.store.database import Reader


class Grave(msgspec.Struct, frozen=True, array_like=True):
    """A place that a message had."""

    message: MessageId
    mailbox: MailboxId
    modseq: ModSeq
    expunged_at: int
    flags: int
    keywords: str


_GRAVES = """
    SELECT message_id, mailbox_id, modseq, expunged_at, flags, keywords FROM expunged
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
    ORDER BY message_id, modseq
"""


async def graves(
    db: Reader, account: AccountId, messages: Sequence[MessageId]
) -> dict[MessageId, list[Grave]]:
    """All places that messages had in the time of retention, the oldest first."""
    found: dict[MessageId, list[Grave]] = {}
    for row in await db.rows(_GRAVES, (account, json.dumps(messages))):
        found.setdefault(row[0], []).append(Grave(*row))
    return found


_DELETED = """
    SELECT e.message_id, max(e.expunged_at) AS at FROM expunged e
    WHERE e.account_id = ?1 AND NOT EXISTS (
        SELECT 1 FROM placement p WHERE p.account_id = ?1 AND p.message_id = e.message_id)
    GROUP BY e.message_id HAVING at >= ?2 AND at < ?3
    ORDER BY at DESC, e.message_id DESC
"""


async def deleted(
    db: Reader, account: AccountId, after: int, before: int
) -> list[tuple[MessageId, int]]:
    """Messages destroyed in [after, before) and when, the latest first. Use `scan`."""
    rows = await db.rows(_DELETED, (account, after, before))
    return [(MessageId(message), at) for message, at in rows]
