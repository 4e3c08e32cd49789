"""Full disks, failing syncs, stolen locks, killed processes: told clearly, nothing lost."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.errors import NoSuchMailbox, Unavailable
from pillarbox.ids import MailboxId
from pillarbox.store import Transaction
from pillarbox.store.blobs.segment import segment_numbers
from pillarbox.store.sql import mailboxes, messages
from support.faulty_disk import FaultyDisk
from support.store_box import Box, letter


@pytest.fixture
def faulty(tmp_path: Path) -> Box:
    return Box(tmp_path, disk=FaultyDisk())


def disk_of(box: Box) -> FaultyDisk:
    assert isinstance(box.disk, FaultyDisk)
    return box.disk


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("what", ["write", "sync", "create", "sync_folder"])
async def test_a_refusing_disk_loses_nothing_and_heals(faulty: Box, what: str, number: int) -> None:
    disk = disk_of(faulty)
    if what in ("write", "sync"):
        await faulty.append(letter("before"))
        kept = 1
    else:
        kept = 0
    before = await faulty.account()
    disk.fail[what] = number
    for _ in range(2):
        done = await asyncio.gather(
            *(faulty.append(letter(f"lost {n}")) for n in range(3)), return_exceptions=True
        )
        if what == "sync" and not any(isinstance(one, Unavailable) for one in done):
            raise AssertionError("nothing failed")
        assert all(isinstance(one, Unavailable) for one in done)
    assert await faulty.account() == before
    disk.fail.clear()
    after = [await faulty.append(letter(f"after {n}")) for n in range(3)]
    assert [one.uid for one in after] == [kept + 1, kept + 2, kept + 3]
    assert await faulty.octets(after[2]) == letter("after 2")
    await faulty.reopen()
    assert await faulty.octets(after[0]) == letter("after 0")
    report = await faulty.store.verify()
    assert (report.problems, report.messages) == ([], kept + 3)


async def test_a_segment_is_not_trusted_after_a_failed_sync(faulty: Box) -> None:
    await faulty.append()
    disk_of(faulty).fail["sync"] = errno.EIO
    with pytest.raises(Unavailable):
        await faulty.append(letter("x"))
    disk_of(faulty).fail.clear()
    await faulty.append(letter("y"))
    rows = await faulty.store.read(lambda db: db.rows("SELECT segment FROM blob ORDER BY 1"))
    assert len(set(rows)) == 2


async def test_a_record_that_was_lost_fails_the_whole_batch(faulty: Box) -> None:
    """One failed write takes records of earlier writes of the batch along."""
    disk = disk_of(faulty)
    await faulty.append()
    lock = os.open(faulty.folder / "data" / "write.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    raws = [letter(str(n), os.urandom(300_000).hex()) for n in range(20)]
    tasks = [asyncio.ensure_future(faulty.append(raw)) for raw in raws]
    waiting = faulty.store._engine._writer._open  # type: ignore[attr-defined]
    while len(waiting) < len(raws):
        await asyncio.sleep(0.01)
    disk.refuse_next_over = 4 * 1024 * 1024  # only the one within the long batch
    os.close(lock)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert disk.refuse_next_over is None
    assert any(isinstance(one, Unavailable) for one in done)
    for raw, one in zip(raws, done, strict=True):
        if not isinstance(one, BaseException):
            assert await faulty.octets(one) == raw
    assert (await faulty.store.verify()).problems == []


async def test_the_sync_comes_between_the_octets_and_the_commit(faulty: Box) -> None:
    disk = disk_of(faulty)
    await faulty.append()
    disk.calls.clear()
    await faulty.append(letter("another"))
    assert disk.calls == ["write", "sync"]
    disk.calls.clear()
    await faulty.append(letter("another"))  # stored already
    assert disk.calls == []


async def test_a_large_message_is_synced_before_it_is_linked(faulty: Box) -> None:
    faulty.change_settings(own_segment_octets=300_000, spool_memory_octets=100_000)
    await faulty.reopen()
    disk = disk_of(faulty)
    disk.calls.clear()
    raw = letter("large", os.urandom(400_000).hex())
    done = await faulty.append(raw)
    calls = [call for call in disk.calls if call != "write"]
    assert calls == ["create", "create", "sync", "link", "sync_folder"]
    assert await faulty.octets(done) == raw
    assert list((faulty.folder / "data" / "tmp").iterdir()) == []
    disk.fail["link"] = errno.ENOSPC
    with pytest.raises(Unavailable):
        await faulty.append(raw + b"x")
    disk.fail = {"write": errno.ENOSPC}
    with pytest.raises(Unavailable):
        await faulty.append(raw + b"y")
    disk.fail.clear()
    assert (await faulty.append(raw + b"y")).uid == 2
    assert list((faulty.folder / "data" / "tmp").iterdir()) == []
    assert (await faulty.store.verify()).problems == []


async def test_a_full_database_is_told_and_heals(box: Box) -> None:
    await box.append()
    # SQLite refuses growth past this many pages exactly as a full disk refuses it.
    connection = box.store._engine._writer._connection  # type: ignore[attr-defined]
    pages = connection.pragma("page_count")
    connection.pragma("max_page_count", pages + 3)
    refused = 0
    for n in range(40):
        try:
            await box.append(letter(f"{n}", os.urandom(2000).hex()))
        except Unavailable:
            refused += 1
    assert refused
    there = len(await box.placed())
    assert there == 41 - refused
    assert (await box.store.verify()).problems == []
    connection.pragma("max_page_count", 2**31)
    await box.append(letter("again"))
    assert len(await box.placed()) == there + 1


async def test_a_bug_in_one_write_is_told_to_its_caller_only(box: Box) -> None:
    async def bug(tx: Transaction) -> None:
        await mailboxes.create(tx, box.alice.id, "half")
        raise ZeroDivisionError

    async def waits(tx: Transaction) -> None:
        await asyncio.sleep(0)

    results = await asyncio.gather(
        box.store.write(bug),
        box.append(),
        box.store.write(waits),
        box.append(mailbox=MailboxId(99)),
        box.append(letter("2")),
        return_exceptions=True,
    )
    kinds = [type(one) for one in results]
    assert kinds[0] is ZeroDivisionError
    assert kinds[2] is RuntimeError
    assert kinds[3] is NoSuchMailbox
    assert [p.uid for p in await box.placed()] == [1, 2]
    assert await box.store.read(lambda db: mailboxes.find(db, box.alice.id, "half")) is None


async def test_a_cancelled_caller_does_not_disturb_others(box: Box) -> None:
    tasks = [asyncio.ensure_future(box.append(letter(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    uids = [one.uid for one in done if not isinstance(one, BaseException)]
    assert len(uids) == 10
    assert set(uids) <= {p.uid for p in await box.placed()}


async def test_a_lock_that_is_kept_too_long_is_told(box: Box) -> None:
    lock = os.open(box.folder / "data" / "write.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    task = asyncio.ensure_future(box.append())
    for _ in range(6000):
        await asyncio.sleep(0.01)
        if box.store._engine._writer._locking_since is not None:  # type: ignore[attr-defined]
            break
    await box.clock.advance(box.settings.lock_wait_seconds + 1)
    with pytest.raises(Unavailable):
        await task
    os.close(lock)
    assert (await box.append()).uid == 1


async def test_the_queue_of_writes_has_a_bound(box: Box) -> None:
    box.change_settings(queue_length=64)
    await box.reopen()
    lock = os.open(box.folder / "data" / "write.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    tasks = [asyncio.ensure_future(box.append(letter(str(n)))) for n in range(200)]
    await asyncio.sleep(0.1)
    os.close(lock)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [one for one in done if isinstance(one, Unavailable)]
    assert 50 < len(refused) < 150
    assert len(await box.placed()) == 200 - len(refused)


LOAD = """
import asyncio, sys
from pathlib import Path
from pillarbox.clock import SystemClock
from support.store_box import Box, letter

async def main():
    number, how_many = int(sys.argv[2]), int(sys.argv[3])
    async with Box(Path(sys.argv[1]), clock=SystemClock()) as box:
        async def deliver(n):
            for at in range(how_many):
                done = await box.append(letter(f"{number}.{n}.{at}"))
                print(done.uid, flush=True)
        await asyncio.gather(*(deliver(n) for n in range(5)))
asyncio.run(main())
"""


def start_load(folder: Path, number: int, how_many: int) -> subprocess.Popen[str]:
    tests = Path(__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent / 'src'}"}
    return subprocess.Popen(
        [sys.executable, "-c", LOAD, str(folder), str(number), str(how_many)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


async def test_two_processes_write_at_once(tmp_path: Path) -> None:
    async with Box(tmp_path, clock=SystemClock()):
        pass
    both = [start_load(tmp_path, number, 20) for number in range(2)]
    uids = [int(line) for one in both for line in one.communicate(timeout=60)[0].split()]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted(uids) == list(range(1, 201))
    async with Box(tmp_path) as box:
        assert [p.uid for p in await box.placed()] == list(range(1, 201))
        assert (await box.store.verify()).problems == []
        assert len(segment_numbers(tmp_path / "data" / "blobs")) == 2


@pytest.mark.timed
async def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    for _ in range(3):
        process = start_load(tmp_path, 0, 10_000)
        assert process.stdout is not None
        for _ in range(60):
            acknowledged.add(int(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        acknowledged.update(int(line) for line in process.stdout.read().splitlines()[:-1])
        process.wait()
        started = time.monotonic()
        async with Box(tmp_path) as box:
            assert time.monotonic() - started < 2
            there = [p.uid for p in await box.placed()]
            assert acknowledged <= set(there)
            assert there == sorted(set(there))
            assert (await box.store.verify()).problems == []


async def test_a_read_only_database_is_told_and_heals(box: Box) -> None:
    await box.append()
    connection = box.store._engine._writer._connection  # type: ignore[attr-defined]
    connection.pragma("query_only", True)
    with pytest.raises(Unavailable):
        await box.append(letter("refused"))
    assert len(await box.placed()) == 1
    connection.pragma("query_only", False)
    assert (await box.append(letter("taken"))).uid == 2


async def test_without_descriptors_left_the_answer_is_clear(box: Box) -> None:
    import resource

    kept = await box.append()
    row = await box.store.read(lambda db: messages.get(db, box.alice.id, kept.message))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(Unavailable):
            await box.store.content(row).read(0, row.size)
        # The writer has all that it needs open already.
        await box.append(letter("still"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert await box.octets(kept) == letter()


@pytest.mark.parametrize("leap", [-10 * 365 * 86400, 10 * 365 * 86400])
async def test_a_leaping_clock_loses_nothing(box: Box, leap: int) -> None:
    first = await box.append()
    seen = (await box.account()).modseq
    await box.clock.advance(leap)
    second = await box.append(letter("later"))
    assert second.uid == first.uid + 1
    assert second.modseq > first.modseq
    await box.store.maintain()
    assert [p.uid for p in (await box.since(seen)).placed] == [second.uid]
    assert await box.octets(first) == letter()


async def test_a_damaged_database_is_told_in_a_sentence(box: Box) -> None:
    await box.append()
    await box.store.close()
    path = box.folder / "data" / "pillarbox.db"
    kept = path.read_bytes()
    for damaged in (b"nonsense" * 1000, kept[:100] + bytes(len(kept) - 100)):
        path.write_bytes(damaged)
        with pytest.raises(Unavailable, match=r"pillarbox.db is damaged"):
            await box.open()
    path.write_bytes(kept)
    await box.open()
    assert len(await box.placed()) == 1
