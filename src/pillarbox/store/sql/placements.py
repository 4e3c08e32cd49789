r"""The messages of an account that are in a mailbox, whichever it is.

What IMAP flagged \Deleted is there for IMAP alone (RFC 8621 §4.1.1).
"""

from __future__ import annotations

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.database import Reader

_ALL = """
    SELECT DISTINCT message_id FROM placement WHERE account_id = ? AND flags & 8 = 0
    ORDER BY message_id LIMIT ?
"""
_HIDES_ANY = """
    SELECT 1 FROM placement INDEXED BY placement_hidden
    WHERE account_id = ? AND flags & 8 = 8 LIMIT 1
"""


async def hides_any(db: Reader, account: AccountId) -> bool:
    r"""Whether anything in the account is flagged \Deleted. It costs next to nothing."""
    return await db.row(_HIDES_ANY, (account,)) is not None


async def placed_messages(db: Reader, account: AccountId, limit: int) -> list[MessageId]:
    """The first of them, oldest first."""
    return [message for (message,) in await db.rows(_ALL, (account, limit))]
