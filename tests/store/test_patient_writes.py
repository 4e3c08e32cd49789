"""Steps of long work give way to the writes of people and of arriving mail."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Any

import pytest

from pillarbox.clock import SystemClock
from pillarbox.store import Transaction
from support.store_box import Box


@contextlib.contextmanager
def another_process_writes(box: Box) -> Iterator[None]:
    lock = os.open(box.folder / "data" / "write.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


async def order_of(box: Box, late: float) -> list[str]:
    """In which order writes are done that wait for another process; the patient one was first."""
    done: list[str] = []

    async def write(name: str, *, patient: bool) -> None:
        async def work(_: Transaction) -> None:
            done.append(name)

        await box.store.write(work, patient=patient)

    with another_process_writes(box):
        tasks = [asyncio.create_task(write("patient", patient=True))]
        await asyncio.sleep(0.05)  # the writer has it, and waits for the lock
        tasks += [asyncio.create_task(write(name, patient=False)) for name in ("one", "two")]
        await asyncio.sleep(0.05)
        await box.clock.advance(late)
    await asyncio.gather(*tasks)
    return done


@pytest.mark.timed
async def test_a_patient_write_comes_last(box: Box) -> None:
    assert await order_of(box, 0) == ["one", "two", "patient"]


@pytest.mark.timed
async def test_but_not_for_ever(box: Box) -> None:
    assert await order_of(box, 1) == ["patient", "one", "two"]


async def test_each_has_a_commit_of_its_own(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: Transaction) -> None:
        """A step that finds nothing."""

    writer: Any = box.store._engine._writer  # type: ignore[attr-defined]
    transact, sizes = writer._transact, []

    def counting(batch: list[Any], wakes: Any) -> None:
        sizes.append(len(batch))
        transact(batch, wakes)

    monkeypatch.setattr(writer, "_transact", counting)
    with another_process_writes(box):
        tasks = [asyncio.create_task(box.store.write(nothing, patient=True)) for _ in range(3)]
        await asyncio.sleep(0.05)
    await asyncio.gather(*tasks)
    assert sizes == [1, 1, 1]


async def test_it_is_known_when_others_wrote(box: Box) -> None:
    async def nothing(_: Transaction) -> None:
        """A step that finds nothing."""

    await box.append()
    wrote_at = box.store.busy_at
    assert wrote_at == box.clock.monotonic()
    await box.store.write(nothing, patient=True)
    await box.clock.advance(10)
    await box.store.write(nothing, patient=True)
    assert box.store.busy_at == wrote_at
    async with Box(box.folder, clock=SystemClock()) as other:
        await other.append()
    await box.store.write(nothing, patient=True)
    assert box.store.busy_at == wrote_at + 10


async def test_those_that_wait_are_done_at_the_end(box: Box) -> None:
    done: list[int] = []

    async def work(_: Transaction) -> None:
        done.append(1)

    with another_process_writes(box):
        tasks = [asyncio.create_task(box.store.write(work, patient=True)) for _ in range(3)]
        await asyncio.sleep(0.05)
        closing = asyncio.get_running_loop().run_in_executor(None, box.store._engine._writer.close)  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
    await closing
    await asyncio.gather(*tasks)
    assert len(done) == 3
    await box.reopen()
