"""Passwords in the only forms that may be kept: argon2id, SCRAM's keys, digests. Never plain."""

from __future__ import annotations

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import AppPasswordRow, PasswordRow

_FIND = "SELECT argon2, scram, changed_at FROM password WHERE account_id = ?"
_FIND_SOME_SCRAM = """
    SELECT scram FROM password WHERE scram <> ? AND account_id >= ? ORDER BY account_id LIMIT 1
"""
_LAST_ACCOUNT = "SELECT coalesce(max(account_id), 0) FROM password"
_SET = """
    INSERT INTO password (account_id, argon2, scram, changed_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET
        argon2 = excluded.argon2, scram = excluded.scram, changed_at = excluded.changed_at
"""


async def password(db: Reader, account: AccountId) -> PasswordRow | None:
    """The main password, None when the account has none."""
    row = await db.row(_FIND, (account,))
    return PasswordRow(*row) if row else None


async def some_scram(db: Reader, number: int) -> bytes:
    """SCRAM's keys of some account, nearly always the same one for a number; b"" for none."""
    (last,) = await db.row(_LAST_ACCOUNT) or (0,)
    # A power of two: new accounts seldom change whom a number leads to.
    start = number % (1 << int(last).bit_length())
    row = await db.row(_FIND_SOME_SCRAM, (b"", start)) or await db.row(_FIND_SOME_SCRAM, (b"", 0))
    return bytes(row[0]) if row else b""


async def set_password(tx: Transaction, account: AccountId, argon2: str, scram: bytes) -> None:
    """Set or replace the main password."""
    await tx.run(_SET, (account, argon2, scram, tx.now()))


_APP_PASSWORDS = """
    SELECT number, name, digest, scopes, scram, created_at, expires_at, last_used_at
    FROM app_password WHERE account_id = ? ORDER BY number
"""
_ADD = """
    INSERT INTO app_password
        (account_id, number, name, digest, scopes, scram, created_at, expires_at)
    SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ?
    FROM app_password WHERE account_id = ?
    RETURNING number
"""
_REMOVE = "DELETE FROM app_password WHERE account_id = ? AND number = ? RETURNING number"
_TOUCH = "UPDATE app_password SET last_used_at = ? WHERE account_id = ? AND number = ?"


async def app_passwords(db: Reader, account: AccountId) -> list[AppPasswordRow]:
    """In the order of their making."""
    return [AppPasswordRow(*row) for row in await db.rows(_APP_PASSWORDS, (account,))]


async def add_app_password(
    tx: Transaction,
    account: AccountId,
    name: str,
    digest: bytes,
    scopes: str,
    expires_at: int | None = None,
    scram: bytes = b"",
) -> int:
    """A further password for one program; its number within the account."""
    rows = await tx.run(_ADD, (account, name, digest, scopes, scram, tx.now(), expires_at, account))
    return int(rows[0][0])


async def remove_app_password(tx: Transaction, account: AccountId, number: int) -> None:
    """Raises NotFound."""
    if not await tx.run(_REMOVE, (account, number)):
        raise NotFound("There is no such app password.")


async def touch_app_password(tx: Transaction, account: AccountId, number: int, at: int) -> None:
    """Note when it was last used."""
    await tx.run(_TOUCH, (at, account, number))
