"""Files behind links: counted as used, bounded, ended in time, gone with their account."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from pillarbox.errors import LimitReached, NotFound, OverQuota, Unavailable
from pillarbox.ids import AccountId
from pillarbox.node.forgetting import forget_links
from pillarbox.store.sql import accounts, links
from pillarbox.store.sql.links import Bounds, Link, NewLink
from support.faulty_disk import FaultyDisk
from support.store_box import Box, letter

BOUNDS = Bounds(links=3, octets=20_000_000)
DAY = 86_400


def digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()


async def make(
    box: Box, octets: bytes, word: str, *, account: AccountId | None = None, days: int = 30
) -> Link:
    with box.store.spool(BOUNDS.octets) as spool:
        spool.write(octets)
        sealed = await spool.seal()
        new = NewLink(digest=digest(word), blob=sealed, name="a.bin", seconds=days * DAY)
        return await box.store.write(lambda tx: links.add(tx, account or box.alice.id, new, BOUNDS))


async def find(box: Box, word: str) -> tuple[Link, str] | None:
    now = int(box.clock.now().timestamp())
    return await box.store.read(lambda db: links.find(db, digest(word), now))


async def used(box: Box) -> int:
    return (await box.account()).used_octets


async def sound(box: Box) -> None:
    assert (await box.store.verify()).problems == []


async def test_found_by_its_word_until_it_ends(box: Box) -> None:
    made = await make(box, b"hello", "one", days=2)
    found = await find(box, "one")
    assert found == (made, "alice@example.org")
    assert await box.store.octets(made.blob, made.size).read(0, 99) == b"hello"
    assert await find(box, "two") is None
    await box.clock.advance(2 * DAY - 1)
    assert await find(box, "one") is not None
    await box.clock.advance(1)
    assert await find(box, "one") is None  # also before anybody tidied up


async def test_counts_as_used_and_wakes_those_who_show_it(box: Box) -> None:
    await box.append(letter())
    before = await box.account()
    made = await make(box, b"x" * 5000, "one")
    after = await box.account()
    assert (after.used_octets, after.used_messages) == (
        before.used_octets + 5000,
        before.used_messages,
    )
    assert after.modseq > before.modseq
    await sound(box)
    await box.store.write(lambda tx: links.withdraw(tx, box.alice.id, made.id))
    assert await used(box) == before.used_octets
    await sound(box)


async def test_the_quota_holds_for_mail_and_links_together(box: Box) -> None:
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 10_000))
    await make(box, b"x" * 9_000, "one")
    with pytest.raises(OverQuota):
        await make(box, b"x" * 1_001, "two")
    with pytest.raises(OverQuota):
        await box.append(letter(body="y" * 1_000), check_quota=True)
    await make(box, b"x" * 1_000, "three")
    assert await used(box) == 10_000
    room = await box.store.read(lambda db: links.room(db, box.alice.id, BOUNDS))
    assert room.most == 0
    await sound(box)


async def test_so_many_and_so_large_and_no_more(box: Box) -> None:
    with pytest.raises(LimitReached, match="room"):
        bounds = Bounds(links=3, octets=10)
        (await box.store.read(lambda db: links.room(db, box.alice.id, bounds))).check(11)
    for word in ("one", "two", "three"):
        await make(box, word.encode(), word)
    with pytest.raises(LimitReached, match="too many"):
        await make(box, b"four", "four")
    other = await box.new_account("bob@example.org")
    await make(box, b"four", "four", account=other.id)
    await sound(box)


async def test_ended_ones_are_tidied_up(box: Box) -> None:
    await make(box, b"short", "short", days=1)
    await make(box, b"long", "long", days=3)
    await box.clock.advance(DAY)
    await forget_links(box.store)
    now = int(box.clock.now().timestamp())
    left = await box.store.read(lambda db: links.all_of(db, box.alice.id, now))
    assert [one.size for one in left] == [4]
    assert await used(box) == 4
    assert (await box.store.maintain()).blobs == 1
    await sound(box)


async def test_only_its_owner_withdraws_it(box: Box) -> None:
    other = await box.new_account("bob@example.org")
    made = await make(box, b"mine", "one")
    with pytest.raises(NotFound):
        await box.store.write(lambda tx: links.withdraw(tx, other.id, made.id))
    await box.store.write(lambda tx: links.withdraw(tx, box.alice.id, made.id))
    assert await find(box, "one") is None
    with pytest.raises(NotFound):
        await box.store.write(lambda tx: links.withdraw(tx, box.alice.id, made.id))
    assert (await box.store.maintain()).blobs == 1


async def test_who_is_shut_out_has_no_links(box: Box) -> None:
    await make(box, b"mine", "one")
    await box.store.write(lambda tx: accounts.set_enabled(tx, box.alice.id, False))
    assert await find(box, "one") is None
    await box.store.write(lambda tx: accounts.set_enabled(tx, box.alice.id, True))
    assert await find(box, "one") is not None


async def test_an_account_takes_its_links_along(box: Box) -> None:
    other = await box.new_account("bob@example.org")
    await make(box, b"of two", "one")
    await make(box, b"of two", "two", account=other.id)
    await make(box, b"of one", "three", account=other.id)
    await box.store.write(lambda tx: accounts.remove(tx, other.id))
    assert (await find(box, "two"), await find(box, "three")) == (None, None)
    assert (await box.store.maintain()).blobs == 1
    found = await find(box, "one")
    assert found is not None
    await sound(box)


async def test_verify_sees_a_row_without_octets_and_a_wrong_sum(box: Box) -> None:
    made = await make(box, b"hello", "one")
    await box.store.write(
        lambda tx: tx.run("UPDATE link SET size = 6 WHERE link_id = ?", (made.id,))
    )
    problems = (await box.store.verify()).problems
    assert len(problems) == 2
    assert "Link 1" in problems[0]
    assert "counts 5 octets" in problems[1]


@pytest.mark.parametrize("what", ["sync", "sync_folder", "link", "write"])
async def test_a_refusing_disk_leaves_no_row_and_nothing_used(tmp_path: Path, what: str) -> None:
    """A file of its own segment; row and reference are one write."""
    async with Box(tmp_path, disk=FaultyDisk()) as box:
        disk = box.disk
        assert isinstance(disk, FaultyDisk)
        await box.append(letter())
        before = await used(box)
        octets = bytes(range(256)) * 20_000
        disk.fail[what] = errno.ENOSPC
        with pytest.raises(Unavailable):
            await make(box, octets, "one")
        disk.fail.clear()
        assert await find(box, "one") is None
        assert await used(box) == before
        made = await make(box, octets, "one")
        await box.reopen()
        assert await find(box, "one") == (made, "alice@example.org")
        read = [one async for one in box.store.octets(made.blob, made.size).chunks()]
        assert b"".join(read) == octets
        await sound(box)
