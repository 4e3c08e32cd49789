"""Short writes run on the loop's thread, in the writer's transaction; a late loop delays none."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pillarbox.errors import NotFound, Unavailable
from pillarbox.store.sql import accounts
from support.faulty_disk import FaultyDisk
from support.store_box import Box


async def _where(tx: Any) -> str:
    return threading.current_thread().name


async def test_short_writes_run_on_the_loop_and_others_on_the_writer(box: Box) -> None:
    assert await box.store.write(_where, short=True) == threading.current_thread().name
    assert await box.store.write(_where) == "store-writer"


@pytest.mark.timed
async def test_one_long_write_takes_its_whole_batch_along(box: Box) -> None:
    held = threading.Event()

    async def holds(tx: Any) -> None:
        held.wait(60)

    first = asyncio.create_task(box.store.write(holds))
    await asyncio.sleep(0.05)
    both = [box.store.write(_where, short=True), box.store.write(_where)]
    waiting = asyncio.gather(*both)
    await asyncio.sleep(0)
    held.set()
    assert await waiting == ["store-writer", "store-writer"]
    await first


@pytest.mark.timed
async def test_a_loop_that_does_not_come_is_not_waited_for(box: Box) -> None:
    write = asyncio.create_task(box.store.write(_where, short=True))
    await asyncio.sleep(0)  # it is on its way
    time.sleep(0.3)  # the loop is busy
    assert await write == "store-writer"


async def test_a_failed_short_write_leaves_its_neighbours_whole(box: Box) -> None:
    async def fails(tx: Any) -> None:
        await accounts.set_quota(tx, box.alice.id, 1, 1)
        raise NotFound("no")

    async def works(tx: Any) -> None:
        await accounts.set_quota(tx, box.alice.id, 7, 7)

    done = await asyncio.gather(
        box.store.write(fails, short=True),
        box.store.write(works, short=True),
        return_exceptions=True,
    )
    assert isinstance(done[0], NotFound)
    assert done[1] is None
    assert (await box.account()).quota_octets == 7


@pytest.mark.parametrize("short", [True, False])
async def test_a_disk_that_refuses_fails_writes_of_both_kinds(tmp_path: Path, short: bool) -> None:
    disk = FaultyDisk()
    async with Box(tmp_path, disk=disk) as box:
        disk.fail["sync"] = errno.EIO
        with pytest.raises(Unavailable):
            await box.append(short=short)
        disk.fail.clear()
        assert (await box.append(short=short)).uid == 1
