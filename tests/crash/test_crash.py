"""SIGKILL of every process at a random instant under load, again and again on the same data.

PILLARBOX_CRASH_ROUNDS sets how often (10 by default; `make crash` takes 200).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.crash_lanes import Appends, Deliveries, Expunges, Lane, Moves, Pop3Deletes, Stores
from support.imap_client import Disconnected
from support.machine import wall_bound
from support.pillarbox_server import as_mail_server
from support.programs import run
from support.server import DOMAIN, PASSWORD, MailServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

ROUNDS = int(os.environ.get("PILLARBOX_CRASH_ROUNDS", "10"))
LONGEST = 1.2  # seconds of load before the kill
START_LIMIT = float(os.environ.get("PILLARBOX_START_SECONDS", "2.0"))
ACCOUNTS = 24
VERIFIED = 10  # the first rounds and each tenth: `verify` reads all that ever came in
COPIES = 2  # of each lane

CUT = (Disconnected, ConnectionError, asyncio.IncompleteReadError, BrokenPipeError, OSError)


def test_nothing_acknowledged_is_lost(
    tmp_path: Path, seed: int, figures: Callable[[str], None]
) -> None:
    accounts = {f"user{number}@{DOMAIN}": PASSWORD for number in range(ACCOUNTS)}
    rng = random.Random(seed)
    with running_server(tmp_path, workers=2, accounts=accounts) as server:
        lanes = _lanes(as_mail_server(server), rng)
        asyncio.run(_all(lane.prepare() for lane in lanes))
        starts: list[float] = []
        for number in range(ROUNDS):
            asyncio.run(_load_and_kill(server, lanes, rng.uniform(0.05, LONGEST)))
            began = time.monotonic()
            server.start()
            starts.append(time.monotonic() - began)
            asyncio.run(_all(lane.check() for lane in lanes))
            if number < VERIFIED or number % VERIFIED == 0 or number == ROUNDS - 1:
                _verify(server)
            print(f"round {number + 1}: {_sum(lanes)} acknowledged so far")
    figures(
        f"{ROUNDS} rounds of SIGKILL: {_sum(lanes)} changes acknowledged and kept; start-up after "
        f"a kill took {statistics.median(starts):.2f} s (median), {max(starts):.2f} s (slowest)"
    )
    done = {type(lane).__name__: 0 for lane in lanes}
    for lane in lanes:
        done[type(lane).__name__] += lane.acknowledged
    assert all(done.values()), f"a kind of work was never done, the test is void: {done}"
    quick = statistics.quantiles(starts)[0] if len(starts) > 1 else starts[0]
    assert quick < wall_bound(START_LIMIT)  # slower starts are the machine's affair


def _sum(lanes: list[Lane]) -> int:
    return sum(lane.acknowledged for lane in lanes)


def _lanes(server: MailServer, rng: random.Random) -> list[Lane]:
    lanes: list[Lane] = []
    for _ in range(COPIES):
        seeded = [random.Random(rng.random()) for _ in range(6)]
        pair = server.new_account(), server.new_account()
        lanes.append(Deliveries(server, *pair, seeded[0]))
        kinds = (Appends, Stores, Moves, Expunges, Pop3Deletes)
        for kind, own in zip(kinds, seeded[1:], strict=True):
            lanes.append(kind(server, server.new_account(), own))
    return lanes


async def _load_and_kill(server: RunningServer, lanes: list[Lane], seconds: float) -> None:
    tasks = [asyncio.create_task(_until_cut(lane)) for lane in lanes]
    await asyncio.sleep(seconds)
    early = [task for task in tasks if task.done()]
    await asyncio.to_thread(server.kill9)
    await asyncio.gather(*tasks)
    assert not early, "a lane ended before the kill"


async def _until_cut(lane: Lane) -> None:
    with contextlib.suppress(*CUT):
        await lane.work()


async def _all(works: object) -> None:
    await asyncio.gather(*works)  # type: ignore[misc]


def _verify(server: RunningServer) -> None:
    command = [sys.executable, "-m", "pillarbox.cli", "verify", "--config", server.config]
    run(command, seconds=900)  # of tens of thousands, on a machine that does something else too
