"""Files for messages to come: bound for each account, counted as used, forgotten in time."""

from __future__ import annotations

import pytest

from pillarbox.errors import LimitReached
from pillarbox.ids import AccountId, BlobId
from pillarbox.node.forgetting import forget_uploads
from pillarbox.store.sql import accounts, uploads
from support.store_box import Box, letter


async def upload(
    box: Box, octets: bytes, *, account: AccountId | None = None, files: int = 3, most: int = 1000
) -> BlobId:
    with box.store.spool() as spool:
        if octets:
            spool.write(octets)
        sealed = await spool.seal()
        await box.store.write(
            lambda tx: uploads.add(
                tx,
                account or box.alice.id,
                sealed,
                "text/plain",
                most_files=files,
                most_octets=most,
            )
        )
    return sealed.id


async def read(box: Box, blob: BlobId, account: AccountId | None = None) -> bytes | None:
    found = await box.store.read(lambda db: uploads.find(db, account or box.alice.id, blob))
    if found is None:
        return None
    return await box.store.octets(blob, found.size).read(0, found.size)


async def test_kept_and_only_for_its_account(box: Box) -> None:
    other = await box.new_account("bob@example.org")
    blob = await upload(box, b"hello")
    assert await read(box, blob) == b"hello"
    assert await read(box, blob, other.id) is None
    assert await read(box, await upload(box, b"")) == b""


async def test_limits(box: Box) -> None:
    for number in range(3):
        await upload(box, b"%d" % number)
    with pytest.raises(LimitReached, match="forgotten"):
        await upload(box, b"one more")
    await upload(box, b"1")  # is there already
    other = await box.new_account("bob@example.org")
    with pytest.raises(LimitReached):
        await upload(box, b"x" * 1001, account=other.id)
    await upload(box, b"x" * 1000, account=other.id)
    assert (await box.store.verify()).problems == []


async def test_forgotten_after_a_day(box: Box) -> None:
    old = await upload(box, b"old")
    again = await upload(box, b"again")
    shared = await upload(box, letter())
    message = await box.append(letter())
    await box.clock.advance(23 * 3600)
    await upload(box, b"again")
    await forget_uploads(box.store, 24)
    assert await read(box, old) == b"old"
    await box.clock.advance(2 * 3600)
    await forget_uploads(box.store, 24)
    assert await read(box, old) is None
    assert await read(box, shared) is None
    assert await read(box, again) == b"again"
    assert (await box.store.maintain()).blobs == 1
    assert await box.octets(message) == letter()
    assert (await box.store.verify()).problems == []


async def test_an_account_takes_its_uploads_along(box: Box) -> None:
    other = await box.new_account("bob@example.org")
    await upload(box, b"of two")
    await upload(box, b"of two", account=other.id)
    await upload(box, b"of one", account=other.id)
    await box.store.write(lambda tx: accounts.remove(tx, other.id))
    assert (await box.store.maintain()).blobs == 1
    assert await read(box, await upload(box, b"of two")) == b"of two"
    assert (await box.store.verify()).problems == []
