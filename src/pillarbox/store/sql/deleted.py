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


# Versions of a letter that was being written are no mail that somebody misses.
_DELETED = """
    SELECT e.message_id, max(e.expunged_at) AS at
    FROM expunged e CROSS JOIN message m USING (account_id, message_id)
    WHERE e.account_id = ?1 AND e.flags & 16 = 0
        AND (?2 = '' OR instr(m.folded_subject, ?2) > 0 OR instr(m.folded_from, ?2) > 0
            OR instr(m.folded_to, ?2) > 0)
        AND NOT EXISTS (
            SELECT 1 FROM placement p WHERE p.account_id = ?1 AND p.message_id = e.message_id)
    GROUP BY e.message_id HAVING max(e.expunged_at) >= ?3 AND max(e.expunged_at) < ?4
    ORDER BY at DESC, e.message_id DESC
"""


async def deleted(
    db: Reader, account: AccountId, after: int, before: int, folded: str = ""
) -> list[tuple[MessageId, int]]:
    """Messages destroyed in [after, before) and when, the latest first. Use `scan`.

    `folded`: a text that is in their subject, or among their senders or recipients.
    """
    rows = await db.rows(_DELETED, (account, folded, after, before))
    return [(MessageId(message), at) for message, at in rows]


class DeletedRow(msgspec.Struct, frozen=True):
    """What is shown of one."""

    id: MessageId
    envelope: bytes
    preview: str
    received_at: int
    size: int
    graves: list[Grave]  # the oldest first


_SHOWN = """
    SELECT message_id, envelope, preview, received_at, size FROM message m
    WHERE account_id = ?1 AND message_id IN (SELECT value FROM json_each(?2))
        AND NOT EXISTS (
            SELECT 1 FROM placement p WHERE p.account_id = ?1 AND p.message_id = m.message_id)
"""


async def deleted_rows(
    db: Reader, account: AccountId, messages: Sequence[MessageId]
) -> dict[MessageId, DeletedRow]:
    """Those of the messages that are destroyed and kept."""
    buried = await graves(db, account, messages)
    rows = await db.rows(_SHOWN, (account, json.dumps(messages)))
    return {row[0]: DeletedRow(*(*row, buried[row[0]])) for row in rows if row[0] in buried}
