"""Where messages were, and with which flags, before an operation changed them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pillarbox.ids import AccountId, BulkId, MessageId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.email_places import Place

# A message that was done before keeps what it was at first.
_NOTE = """
    INSERT INTO bulk_former (account_id, bulk_id, message_id, mailbox_id, uid, flags, keywords)
    SELECT account_id, ?1, message_id, mailbox_id, uid, flags, keywords
    FROM placement INDEXED BY placement_message
    WHERE account_id = ?2 AND message_id IN (SELECT value FROM json_each(?3))
    ON CONFLICT DO NOTHING
"""
_MESSAGES = """
    SELECT DISTINCT message_id FROM bulk_former WHERE account_id = ? AND bulk_id = ?
    ORDER BY message_id
"""
_OF_THESE = """
    SELECT mailbox_id, uid, message_id, flags, keywords, 0 FROM bulk_former
    WHERE account_id = ? AND bulk_id = ? AND message_id IN (SELECT value FROM json_each(?))
    ORDER BY message_id, mailbox_id, uid
"""


async def note(
    tx: Transaction, account: AccountId, number: BulkId, messages: Sequence[MessageId]
) -> None:
    """Write down the places that messages have now."""
    await tx.run(_NOTE, (number, account, json.dumps(messages)))


async def noted(db: Reader, account: AccountId, number: BulkId) -> list[MessageId]:
    """The messages that an operation changed."""
    return [MessageId(one) for (one,) in await db.rows(_MESSAGES, (account, number))]


async def former(
    db: Reader, account: AccountId, number: BulkId, messages: Sequence[MessageId]
) -> dict[MessageId, list[Place]]:
    """The places that messages had; their sizes are not told."""
    found: dict[MessageId, list[Place]] = {}
    for row in await db.rows(_OF_THESE, (account, number, json.dumps(messages))):
        place = Place(*row)
        found.setdefault(place.message, []).append(place)
    return found
