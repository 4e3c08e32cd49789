"""The disk refuses, at each of a run's writes, syncs and names in turn: told, undone, mended.

The log is played back into the database by a call of its own here, not at the end of a commit:
SQLite forgives a failure of that there, but apsw raises what a Python VFS raised, so that a commit
that was done would look refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from pillarbox.errors import DiskFull, PillarboxError, Unavailable
from support.power_cut_work import LANES, Lane, Work, print_of, step, writing

pytestmark = pytest.mark.slow

ROUNDS = 100


async def attempt(work: Work, lane: Lane) -> type[PillarboxError] | None:
    """One step; refused, it leaves everything as it was."""
    before = await print_of(work.store, lane.logins)
    try:
        await step(work.store, lane)
    except Unavailable as error:
        assert await print_of(work.store, lane.logins) == before, f"half done: {error!r}"
        return type(error)
    except PillarboxError as error:  # of the step's own, such as a name that is taken
        return type(error)
    return None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("lasting", [True, False], ids=["from there on", "once"])
def test_any_write_may_fail(
    memory_folder: Path, seed: int, number: int, lasting: bool, figures: Callable[[str], None]
) -> None:
    async def run() -> None:
        work = Work(memory_folder / "data", seed)
        recording = work.recording
        recording.refusal = number
        await work.open()
        await work.begin()
        writing(work.store).pragma("wal_autocheckpoint", 0)
        await work.steps(4)
        met = 0
        refused = []
        for at in range(ROUNDS):
            first = recording.calls + 1 + at % 80
            recording.refuse = range(first, first + (10**9 if lasting else 1))
            refused += await asyncio.gather(*(attempt(work, lane) for lane in work.lanes))
            with contextlib.suppress(apsw.FullError, apsw.IOError):
                writing(work.store).wal_checkpoint()
            met += recording.calls >= first
            recording.refuse = range(0)
            again = await asyncio.gather(*(attempt(work, lane) for lane in work.lanes))
            assert Unavailable not in again, "it did not mend"
            assert DiskFull not in again, "it did not mend"
        prints = [await print_of(work.store, lane.logins) for lane in work.lanes]
        assert (await work.store.verify()).problems == []
        await work.close()
        await work.open()
        assert prints == [await print_of(work.store, lane.logins) for lane in work.lanes]
        assert (await work.store.verify()).problems == []
        await work.close()
        kinds = {kind: refused.count(kind) for kind in (DiskFull, Unavailable)}
        assert kinds[DiskFull if number == errno.ENOSPC else Unavailable] > LANES
        assert kinds[Unavailable if number == errno.ENOSPC else DiskFull] == 0
        figures(
            f"disk refuses ({errno.errorcode[number]}, {'lasting' if lasting else 'once'}): met "
            f"at {met} calls, {sum(kinds.values())} operations refused"
        )

    asyncio.run(run())
