"""Files behind an address: who has it gets the file, until the link ends or is withdrawn.

A link's octets count as used by its account, as those of its mail do.
"""

from __future__ import annotations

import msgspec

from pillarbox.errors import LimitReached, NoSuchAccount, NotFound, OverQuota
from pillarbox.ids import AccountId, BlobId
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.modseq import next_modseq


class Link(msgspec.Struct, frozen=True, array_like=True):
    """One of them; instants are Unix seconds."""

    id: int
    account: AccountId
    blob: BlobId
    name: str
    size: int
    created_at: int
    expires_at: int
    downloads: int


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be kept of one."""

    digest: bytes  # of the word in its address
    blob: SealedBlob
    name: str
    seconds: int  # from now on


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may have of them, beside its quota."""

    links: int
    octets: int


_MANY = "You have too many links. Withdraw some in the settings, under Files sent as links."
_LARGE = (
    "Your links have no room for so large a file. Withdraw some in the settings, under Files sent "
    "as links."
)
_HELD = "SELECT count(*), coalesce(sum(size), 0) FROM link WHERE account_id = ?"
_USE = "SELECT quota_octets, used_octets FROM account WHERE account_id = ?"


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of all that bounds an account's links."""

    links: int
    octets: int
    quota: int | None  # None: it has no quota

    @property
    def most(self) -> int:
        """Octets that one more may have."""
        if self.links <= 0:
            return 0
        return max(0, self.octets if self.quota is None else min(self.octets, self.quota))

    def check(self, octets: int) -> None:
        """Whether one more of that size would be taken. Raises LimitReached, OverQuota."""
        if self.links <= 0:
            raise LimitReached(_MANY)
        if octets > self.octets:
            raise LimitReached(_LARGE)
        if self.quota is not None and octets > self.quota:
            raise OverQuota


async def room(db: Reader, account: AccountId, bounds: Bounds) -> Room:
    """Raises NoSuchAccount."""
    held, size = await db.row(_HELD, (account,)) or (0, 0)
    row = await db.row(_USE, (account,))
    if row is None:
        raise NoSuchAccount
    quota, used = row
    return Room(
        links=bounds.links - held,
        octets=bounds.octets - size,
        quota=quota - used if quota else None,
    )


_ADD = """
    INSERT INTO link (account_id, digest, blob_id, name, size, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    RETURNING link_id, account_id, blob_id, name, size, created_at, expires_at, downloads
"""
_COUNT = "UPDATE account SET used_octets = used_octets + ? WHERE account_id = ?"


async def add(tx: Transaction, account: AccountId, new: NewLink, bounds: Bounds) -> Link:
    """Octets, row and usage in one write. Raises LimitReached, OverQuota, Unavailable."""
    (await room(tx, account, bounds)).check(new.blob.size)
    blob, now = await tx.keep(new.blob), tx.now()
    row = (account, new.digest, blob, new.name, new.blob.size, now, now + new.seconds)
    (made,) = await tx.run(_ADD, row)
    await _count(tx, account, new.blob.size)
    return Link(*made)


async def _count(tx: Transaction, account: AccountId, octets: int) -> None:
    await tx.run(_COUNT, (octets, account))
    await next_modseq(tx, account)  # who shows how full the account is hears of it


_FIND = """
    SELECT link_id, account_id, blob_id, link.name, size, link.created_at, expires_at, downloads,
        login
    FROM link JOIN account USING (account_id)
    WHERE digest = ? AND expires_at > ? AND enabled = 1
"""


async def find(db: Reader, digest: bytes, now: int) -> tuple[Link, str] | None:
    """A link and its owner's address; None where it is unknown or has ended."""
    row = await db.row(_FIND, (digest, now))
    return (Link(*row[:-1]), row[-1]) if row is not None else None


_ALL = """
    SELECT link_id, account_id, blob_id, name, size, created_at, expires_at, downloads FROM link
    WHERE account_id = ? AND expires_at > ? ORDER BY link_id DESC
"""


async def all_of(db: Reader, account: AccountId, now: int) -> list[Link]:
    """Those of an account that lead somewhere, the newest first."""
    return [Link(*row) for row in await db.rows(_ALL, (account, now))]


_DOWNLOADED = "UPDATE link SET downloads = downloads + 1 WHERE link_id = ?"


async def downloaded(tx: Transaction, link: int) -> None:
    """The file was sent to its end once more."""
    await tx.run(_DOWNLOADED, (link,))


_WITHDRAW = "DELETE FROM link WHERE account_id = ? AND link_id = ? RETURNING blob_id, size"
_RELEASE = "UPDATE blob SET refs = refs - 1 WHERE blob_id = ?"


async def withdraw(tx: Transaction, account: AccountId, link: int) -> None:
    """It leads nowhere from now on. Raises NotFound."""
    gone = await tx.run(_WITHDRAW, (account, link))
    if not gone:
        raise NotFound("There is no such link any more.")
    ((blob, size),) = gone
    await tx.run(_RELEASE, (blob,))
    await _count(tx, account, -size)


_FORGET = """
    DELETE FROM link WHERE link_id IN (SELECT link_id FROM link WHERE expires_at <= ? LIMIT ?)
    RETURNING account_id, blob_id, size
"""


async def forget(tx: Transaction, limit: int) -> int:
    """Forget those that have ended, at most so many; how many there were."""
    gone = await tx.run(_FORGET, (tx.now(), limit))
    await tx.run_many(_RELEASE, [(blob,) for _, blob, _ in gone])
    for account in sorted({account for account, _, _ in gone}):
        await _count(tx, account, -sum(size for owner, _, size in gone if owner == account))
    return len(gone)


_FORGET_ALL = "DELETE FROM link WHERE account_id = ? RETURNING blob_id"


async def forget_all(tx: Transaction, account: AccountId) -> None:
    """Forget all of an account's; it is being removed."""
    await tx.run_many(_RELEASE, await tx.run(_FORGET_ALL, (account,)))
