"""Signed words that may be used once, and were."""

from __future__ import annotations

from pillarbox.store.database import Transaction

_SPEND = "INSERT INTO spent (digest, until) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING digest"
_FORGET = "DELETE FROM spent WHERE until < ?"


async def spend(tx: Transaction, digest: bytes, until: int) -> bool:
    """False: it was used before. `until`: when it ends anyway, Unix seconds."""
    return bool(await tx.run(_SPEND, (digest, until)))


async def give_back(tx: Transaction, digest: bytes) -> None:
    """It may be used after all: what it was used for failed."""
    await tx.run("DELETE FROM spent WHERE digest = ?", (digest,))


async def forget(tx: Transaction) -> None:
    """Those that have ended anyway."""
    await tx.run(_FORGET, (tx.now(),))
