"""What a server takes before anybody came: start-up under a second, a worker under 80 MiB."""

from __future__ import annotations

import os
from pathlib import Path

from pillarbox.testing import RunningServer
from support.machine import cpu_bound

START_SECONDS = 1.0  # of CPU for the supervisor and one worker; the clock would tell the load
WORKER_MIB = 80
TRIES = 3  # a busy machine makes CPU seconds longer, too
_TICK = os.sysconf("SC_CLK_TCK")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def test_start_up_and_idle_memory(tmp_path: Path) -> None:
    server = RunningServer(tmp_path)
    spent: list[float] = []
    for _ in range(TRIES):
        server.start()
        try:
            spent.append(sum(map(_cpu_seconds, server.pids)))
            resident = [_resident_mib(pid) for pid in server.pids]
        finally:
            server.stop()
        assert max(resident) < WORKER_MIB
        if spent[-1] < cpu_bound(START_SECONDS):
            return
    raise AssertionError(f"CPU seconds of a start: {spent}")
