"""The power is cut, at any point of a run, and the store must hold all that it acknowledged.

A run of some hundred operations is recorded; for many points of it (all of them with
PILLARBOX_POWER_CUT=all) the disk is rebuilt as the cut could have left it: what was synced is
there; of the rest nothing, all, any part in any order, or torn sectors. The real store opens it.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from support.power_cut_check import Examination, all_cuts, choice_of_cuts, write_image
from support.power_cut_disk import CutDisk, Fate, Image
from support.power_cut_record import Write
from support.power_cut_work import LANES, Work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

ALL = os.environ.get("PILLARBOX_POWER_CUT") == "all"
MOST = 400  # cuts of the long recording; of each shorter one a sixth
STEPS = 17  # of each lane in each part
GENERATIONS = 8 if ALL else 2


async def record(work: Work) -> None:
    """Three parts with maintenance and a restart between them; several times to the log's end."""
    await work.open()
    await work.begin()
    await work.steps(STEPS)
    await work.maintain()
    await work.steps(STEPS)
    await work.close()
    await work.open()
    await work.steps(STEPS)
    await work.close()


async def examine(work: Work, folder: Path, rng: random.Random, most: int) -> Examination:
    cuts = all_cuts(work.recording) if ALL else choice_of_cuts(work.recording, rng, most)
    examination = Examination(work, folder, rng)
    complaints = await examination.run(cuts)
    assert not complaints, "\n".join(complaints)
    return examination


def test_what_was_acknowledged_survives_a_power_cut(
    memory_folder: Path, seed: int, figures: Callable[[str], None]
) -> None:
    async def run() -> None:
        work = Work(memory_folder / "data", seed)
        await record(work)
        events = work.recording.events
        logs = [one for one in events if isinstance(one, Write) and len(one.octets) == 32]
        assert len(logs) > 4, "the log was never begun anew"
        seen = await examine(work, memory_folder, random.Random(seed), MOST)
        figures(
            f"power cut: {3 * STEPS * LANES} operations, {len(events)} events; {seen.cuts} cuts, "
            f"{seen.images} different disks opened ({dict(sorted(seen.by_fate.items()))})"
        )

    asyncio.run(run())


def test_what_survived_a_power_cut_survives_the_next(
    memory_folder: Path, seed: int, figures: Callable[[str], None]
) -> None:
    """Each generation begins with a disk that a cut in the one before has left."""

    async def run() -> None:
        rng = random.Random(seed)
        image: Image = {}
        cuts = disks = 0
        for number in range(GENERATIONS + 1):
            folder = memory_folder / f"data{number}"
            write_image(image, folder)
            work = Work(folder, seed + number)
            work.recording.know(image)
            await work.open()
            await work.begin()
            await work.steps(8)
            await work.close()
            seen = await examine(work, memory_folder, rng, MOST // 6)
            cuts, disks = cuts + seen.cuts, disks + seen.images
            image = some_image(work, rng)
        figures(f"power cut, one after another: {number} times; {cuts} cuts, {disks} disks opened")

    asyncio.run(run())


def some_image(work: Work, rng: random.Random) -> Image:
    """As left by a cut somewhere in the later part of a run."""
    events = work.recording.events
    disk = CutDisk()
    for event in events[: rng.randrange(len(events) * 2 // 3, len(events))]:
        disk.take(event)
    return disk.image(rng.choice([Fate.MIXED, Fate.SHREDDED, Fate.TORN]), rng)


@pytest.mark.parametrize("what", ["segments", "log", "database", "names"])
def test_a_disk_that_lies_is_found_out(memory_folder: Path, seed: int, what: str) -> None:
    """The proof of the proof: with these syncs left out, mail is lost, and that is noticed."""

    async def run() -> None:
        work = Work(memory_folder / "data", seed)
        work.recording.lies = what
        await record(work)
        cuts = choice_of_cuts(work.recording, random.Random(seed), MOST)
        telling = [cut for cut in cuts if cut.fate in (Fate.DROPPED, Fate.MIXED)]
        complaints = await Examination(work, memory_folder, random.Random(seed)).run(telling)
        assert complaints

    asyncio.run(run())
