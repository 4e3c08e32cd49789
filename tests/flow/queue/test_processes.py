"""Two processes on one data folder: each recipient is sent by one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.store.model import RecipientState as State
from support.queue_bench import addresses, message, put, rows
from support.store_box import Box

SCRIPT = Path(__file__).parents[2] / "support" / "queue_process.py"


def start(folder: Path, out: Path, count: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(str(SCRIPT.parents[2] / part) for part in ("src", "tests"))
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(out), out.name, str(count)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )


def sent(*files: Path) -> Counter[str]:
    return Counter(line for file in files for line in file.read_text().splitlines())


async def test_leases_are_disjoint(tmp_path: Path) -> None:
    box = Box(tmp_path, clock=SystemClock())
    outs = [tmp_path / "one", tmp_path / "two"]
    async with box:
        both = [start(tmp_path / "data", out, 3000) for out in outs]
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
        # Neither looks by itself for a while: a third process's commits wake them.
        await put(box.store, *(message(one) for one in addresses(3000, 12)))
    assert [one.wait(60) for one in both] == [0, 0]
    done = sent(*outs)
    assert len(done) == 3000
    assert set(done.values()) == {1}
    assert all(out.read_text() for out in outs)  # both had a share
    async with box:
        found = await rows(box.store)
    assert {one.state for one in found} == {State.RELAYED}
    assert not any(one.uncertain for one in found)


@pytest.mark.slow
async def test_sigkill_while_sending(tmp_path: Path) -> None:
    box = Box(tmp_path, clock=SystemClock())
    async with box:
        await put(box.store, *(message(one) for one in addresses(2000, 12)))
    outs = [tmp_path / "one", tmp_path / "two"]
    first = start(tmp_path / "data", outs[0], 2000)
    assert first.stdout is not None
    first.stdout.readline()
    while not outs[0].exists() or len(outs[0].read_text().splitlines()) < 300:
        assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert start(tmp_path / "data", outs[1], 2000).wait(100) == 0
    done = sent(*outs)
    assert len(done) == 2000
    async with box:
        found = {f"{one.queued} {one.number}": one for one in await rows(box.store)}
    assert {one.state for one in found.values()} == {State.RELAYED}
    doubles = {key for key, times in done.items() if times > 1}
    assert doubles <= {key for key, one in found.items() if one.uncertain}
    assert max(done.values()) <= 2
