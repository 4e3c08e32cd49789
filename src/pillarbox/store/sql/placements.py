"""The messages of an account that are in a mailbox, whichever it is."""

from __future__ import annotations

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.database import Reader

_ALL = "SELECT DISTINCT message_id FROM placement WHERE account_id = ? ORDER BY message_id LIMIT ?"


async def placed_messages(db: Reader, account: AccountId, limit: int) -> list[MessageId]:
    """The first of them, oldest first."""
    return [message for (message,) in await db.rows(_ALL, (account, limit))]
