"""Messages that an operation made in the place of others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pillarbox.ids import AccountId, BulkId, MessageId
from pillarbox.store.database import Reader, Transaction

_NOTE = """
    INSERT INTO bulk_made (account_id, bulk_id, message_id, made_id) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET made_id = excluded.made_id
"""
_OF_THESE = """
    SELECT message_id, made_id FROM bulk_made
    WHERE account_id = ? AND bulk_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""


async def note(
    tx: Transaction, account: AccountId, number: BulkId, made: Mapping[MessageId, MessageId]
) -> None:
    """By the messages that were."""
    await tx.run_many(_NOTE, [(account, number, old, new) for old, new in made.items()])


async def made_of(
    db: Reader, account: AccountId, number: BulkId, messages: Sequence[MessageId]
) -> dict[MessageId, MessageId]:
    """What is there instead of each."""
    rows = await db.rows(_OF_THESE, (account, number, json.dumps(messages)))
    return {MessageId(old): MessageId(new) for old, new in rows}
