"""Greylisting's memory: when a stranger first came, and whether it came again (RFC 6647)."""

from __future__ import annotations

from msgspec import Struct

from pillarbox.store.database import Reader, Transaction

_FIND = "SELECT first_at, passed_at FROM greylist WHERE key = ?"
_ADD = """
    INSERT INTO greylist (key, first_at) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET first_at = excluded.first_at, passed_at = NULL
"""
_CAME_AGAIN = "UPDATE greylist SET passed_at = ? WHERE key = ?"
_COUNT = "SELECT count(*) FROM greylist"
_PRUNE_STRANGERS = """
    DELETE FROM greylist WHERE key IN (
        SELECT key FROM greylist WHERE passed_at IS NULL AND first_at < ? LIMIT ?
    ) RETURNING key
"""
_PRUNE_KNOWN = """
    DELETE FROM greylist WHERE key IN (
        SELECT key FROM greylist WHERE passed_at IS NOT NULL AND passed_at < ? LIMIT ?
    ) RETURNING key
"""


class Seen(Struct, frozen=True):
    """One that came before."""

    first_at: int  # Unix seconds
    passed_at: int | None


async def find(db: Reader, key: bytes) -> Seen | None:
    """What is remembered."""
    row = await db.row(_FIND, (key,))
    return Seen(*row) if row else None


async def begin(tx: Transaction, key: bytes) -> None:
    """Its first attempt, or a new first one."""
    await tx.run(_ADD, (key, tx.now()))


async def let_pass(tx: Transaction, key: bytes) -> None:
    """It came again in time, or brings mail once more."""
    await tx.run(_CAME_AGAIN, (tx.now(), key))


async def count(db: Reader) -> int:
    """How many are remembered."""
    row = await db.row(_COUNT)
    return int(row[0]) if row else 0


async def prune(tx: Transaction, *, strangers: int, known: int, limit: int) -> bool:
    """Forget those from before these instants, at most `limit` of a kind; whether more are left."""
    gone = await tx.run(_PRUNE_STRANGERS, (strangers, limit))
    forgotten = await tx.run(_PRUNE_KNOWN, (known, limit))
    return limit in (len(gone), len(forgotten))
