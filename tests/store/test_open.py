"""Opening and closing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.errors import Unavailable
from pillarbox.store.journeys import Note, Step
from pillarbox.store.open import open_store
from support.store_box import Box, letter


def descriptors() -> set[str]:
    return {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd != "0"
            and os.path.exists(f"/proc/self/fd/{fd}")}  # fmt: skip


async def test_a_closed_store_leaves_nothing_open(tmp_path: Path) -> None:
    box = Box(tmp_path, clock=SystemClock())
    async with box:
        done = await box.append()
        await box.octets(done)
        await box.store.index_now()
        await box.store.verify()
        await box.store.maintain()
        await box.store.scan(lambda db: db.rows("SELECT 1"))
    inside = {path for path in descriptors() if str(tmp_path) in path}
    assert inside == set()
    assert [one.name for one in threading.enumerate() if one.name.startswith("store-")] == []
    assert list((tmp_path / "data" / "run").iterdir()) == []
    await box.store.close()


async def test_nobody_else_reads_what_is_kept(tmp_path: Path) -> None:
    """Whatever the folder was made with, and whatever umask an administrator's shell has."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        async with Box(tmp_path) as box:
            await box.append()
            box.store.journeys.note(Note(step=Step.ACCEPTED, journey="aaaa"))
            await box.store.journeys.find("aaaa", since=0, limit=1)
            files = [path for path in folder.rglob("*") if path.is_file()]
            assert {"pillarbox.db", "search.db", "journeys.db"} <= {path.name for path in files}
            assert [path for path in files if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)


async def test_a_closed_store_refuses(box: Box) -> None:
    await box.store.close()
    with pytest.raises(Unavailable):
        await box.append(letter("late"))


async def test_writes_that_wait_are_finished_before_it_closes(box: Box) -> None:
    import asyncio

    tasks = [asyncio.ensure_future(box.append(letter(str(n)))) for n in range(50)]
    while not box.store._engine._writer._open:  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    await box.store.close()
    done = await asyncio.gather(*tasks)
    await box.open()
    assert {p.uid for p in await box.placed()} == {one.uid for one in done}


async def test_the_folder_is_for_its_owner_only(box: Box) -> None:
    data = box.folder / "data"
    assert data.stat().st_mode & 0o777 == 0o700
    segment = next((data / "blobs").iterdir(), None)
    assert segment is None
    await box.append()
    assert next((data / "blobs").iterdir()).stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    box = Box(tmp_path / "file")
    with pytest.raises(Unavailable):
        await open_store(box.settings, box.clock)
