"""Files that clients uploaded and that belong to no message yet; forgotten after a while."""

from __future__ import annotations

import msgspec

from pillarbox.errors import LimitReached
from pillarbox.ids import AccountId, BlobId
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.database import Reader, Transaction


class Upload(msgspec.Struct, frozen=True):
    """One of them."""

    blob: BlobId
    size: int
    type: str  # as the client called it
    uploaded_at: int  # Unix seconds


_AGAIN = """
    UPDATE upload SET type = ?, uploaded_at = ? WHERE account_id = ? AND blob_id = ?
    RETURNING blob_id
"""
_HELD = "SELECT count(*), coalesce(sum(size), 0) FROM upload WHERE account_id = ?"
_ADD = "INSERT INTO upload (account_id, blob_id, size, type, uploaded_at) VALUES (?, ?, ?, ?, ?)"


async def add(
    tx: Transaction,
    account: AccountId,
    blob: SealedBlob,
    media_type: str,
    *,
    most_files: int,
    most_octets: int,
) -> None:
    """Keep it; the same octets again only begin their time anew. Raises LimitReached."""
    if await tx.run(_AGAIN, (media_type, tx.now(), account, blob.id)):
        return
    row = await tx.row(_HELD, (account,))
    files, octets = row or (0, 0)
    if files + 1 > most_files or octets + blob.size > most_octets:
        raise LimitReached(
            "There is no room for more uploads. What was uploaded is forgotten after some hours; "
            "try again then, or send what is there already."
        )
    await tx.keep(blob)
    await tx.run(_ADD, (account, blob.id, blob.size, media_type, tx.now()))


_FIND = """
    SELECT blob_id, size, type, uploaded_at FROM upload WHERE account_id = ? AND blob_id = ?
"""


async def find(db: Reader, account: AccountId, blob: BlobId) -> Upload | None:
    """One that this account uploaded, and nobody else's."""
    row = await db.row(_FIND, (account, blob))
    return Upload(*row) if row is not None else None


_FORGET = """
    DELETE FROM upload WHERE (account_id, blob_id) IN (
        SELECT account_id, blob_id FROM upload WHERE uploaded_at < ? LIMIT ?)
    RETURNING blob_id
"""
_RELEASE = "UPDATE blob SET refs = refs - 1 WHERE blob_id = ?"


async def forget(tx: Transaction, before: int, limit: int) -> int:
    """Forget those from before an instant, at most so many; how many there were."""
    blobs = await tx.run(_FORGET, (before, limit))
    await tx.run_many(_RELEASE, blobs)
    return len(blobs)


_FORGET_ALL = "DELETE FROM upload WHERE account_id = ? RETURNING blob_id"


async def forget_all(tx: Transaction, account: AccountId) -> None:
    """Forget all of an account's; it is being removed."""
    await tx.run_many(_RELEASE, await tx.run(_FORGET_ALL, (account,)))
