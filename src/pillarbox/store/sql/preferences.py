"""What the web page keeps for a person: one JSON object that only the page understands."""

from __future__ import annotations

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction

EMPTY = b"{}"
_PUT = """
    INSERT INTO web_person (account_id, preferences) VALUES (?, ?)
    ON CONFLICT (account_id) DO UPDATE SET preferences = excluded.preferences
"""


async def read(db: Reader, account: AccountId) -> bytes:
    """JSON, an object."""
    row = await db.row("SELECT preferences FROM web_person WHERE account_id = ?", (account,))
    return bytes(row[0]) if row else EMPTY


async def put(tx: Transaction, account: AccountId, preferences: bytes) -> None:
    """`preferences`: JSON, an object; nothing of the one before stays."""
    await tx.run(_PUT, (account, preferences))
