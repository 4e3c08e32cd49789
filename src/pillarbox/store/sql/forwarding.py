"""Names under which reports about forwarded mail find back to its sender.

The Sender Rewriting Scheme puts the sender's address and a hash into the new one, which is then
often longer than the 64 octets that RFC 5321 §4.5.3.1.1 promises. Here the name is a random word,
and the address stands in a row: it always fits, and tells nobody who wrote.
"""

from __future__ import annotations

import secrets

from pillarbox.store.database import Reader, Transaction

_DAY = 86_400
_TOKEN_OCTETS = 10  # 80 bits: nobody guesses one that leads somewhere
_ADD = """
    INSERT INTO forwarded_sender (token, address, used_at) VALUES (?, ?, ?)
    ON CONFLICT (address) DO UPDATE SET used_at = excluded.used_at RETURNING token
"""
_FIND = "SELECT address FROM forwarded_sender WHERE token = ?"
_FORGET = "DELETE FROM forwarded_sender WHERE used_at < ?"


async def token_for(tx: Transaction, address: str) -> str:
    """The token of a sender, made at the first time."""
    token = secrets.token_hex(_TOKEN_OCTETS)
    rows = await tx.run(_ADD, (token, address, tx.now()))
    return str(rows[0][0])


async def find_address(db: Reader, token: str) -> str | None:
    """Whose token it is; None: nobody's, or forgotten."""
    row = await db.row(_FIND, (token,))
    return str(row[0]) if row else None


async def forget(tx: Transaction, keep_days: int) -> None:
    """Drop those that were not used for so long."""
    await tx.run(_FORGET, (tx.now() - keep_days * _DAY,))
