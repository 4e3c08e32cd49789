"""What the web pages keep for a person: preferences, and whether the first steps were done."""

from __future__ import annotations

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction

_FIND = "SELECT preferences, checklist_at FROM web_person WHERE account_id = ?"
_SET = """
    INSERT INTO web_person (account_id, preferences) VALUES (?, ?)
    ON CONFLICT (account_id) DO UPDATE SET preferences = excluded.preferences
"""
_CHECKLIST = """
    INSERT INTO web_person (account_id, checklist_at) VALUES (?, ?)
    ON CONFLICT (account_id) DO UPDATE SET checklist_at = excluded.checklist_at
"""


async def find(db: Reader, account: AccountId) -> tuple[bytes, int | None]:
    """Preferences as JSON, and when the first steps were done or put away."""
    row = await db.row(_FIND, (account,))
    return (bytes(row[0]), row[1]) if row is not None else (b"{}", None)


async def set_preferences(tx: Transaction, account: AccountId, octets: bytes) -> None:
    """All of them."""
    await tx.run(_SET, (account, octets))


async def set_checklist(tx: Transaction, account: AccountId, done: bool) -> None:
    """Done, or to be shown again."""
    await tx.run(_CHECKLIST, (account, tx.now() if done else None))
