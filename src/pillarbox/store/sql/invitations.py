"""Invitations: links with which somebody makes an account of their own, once."""

from __future__ import annotations

import msgspec

from pillarbox.store.database import Reader, Transaction


class Invitation(msgspec.Struct, frozen=True):
    """One that is still good."""

    login: str  # "@domain": the guest chooses what stands before it
    quota_octets: int
    ends_at: int


_ADD = """
    INSERT INTO invitation (digest, login, quota_octets, made_at, ends_at) VALUES (?, ?, ?, ?, ?)
"""
_FIND = "SELECT login, quota_octets, ends_at FROM invitation WHERE digest = ? AND ends_at > ?"
_TAKE = """
    DELETE FROM invitation WHERE digest = ? AND ends_at > ?
    RETURNING login, quota_octets, ends_at
"""
_ALL = "SELECT login, quota_octets, ends_at FROM invitation WHERE ends_at > ? ORDER BY ends_at"


async def add(tx: Transaction, digest: bytes, given: Invitation) -> None:
    """`digest`: SHA-256 of the token."""
    await tx.run(_ADD, (digest, given.login, given.quota_octets, tx.now(), given.ends_at))


async def find(db: Reader, digest: bytes, now: int) -> Invitation | None:
    """None for one that was used, is too old, or never was."""
    row = await db.row(_FIND, (digest, now))
    return Invitation(*row) if row else None


async def take(tx: Transaction, digest: bytes) -> Invitation | None:
    """The same; it is good no longer."""
    rows = await tx.run(_TAKE, (digest, tx.now()))
    return Invitation(*rows[0]) if rows else None


async def waiting(db: Reader, now: int) -> list[Invitation]:
    """All that were not used yet."""
    return [Invitation(*row) for row in await db.rows(_ALL, (now,))]
