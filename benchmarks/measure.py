"""One measured stretch: time, the server's CPU, latencies, memory, and the generator's own CPU."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import process_tree
from benchmarks.contenders import Contender

# Quiet is who uses less than a tenth of a core for so long; the indexer may pause for some seconds
# where cores are short.
_LOOK_SECONDS, _QUIET_SECONDS, _QUIET_SHARE = 0.5, 6.0, 0.1


@dataclass(slots=True)
class Row:
    """The figures of one workload on one server."""

    workload: str
    server: str
    operations: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    later_cpu: float = 0.0  # behind the stretch, until the server was quiet again
    generator_cpu: float = 0.0
    memory: int = 0
    octets: int = 0
    latencies: list[float] = field(default_factory=list, repr=False)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds if self.seconds else 0.0

    @property
    def cpu_per_thousand(self) -> float:
        """CPU seconds of the server per 1000 operations; milliseconds for one."""
        return (self.cpu_seconds + self.later_cpu) / self.operations * 1000

    @property
    def later_per_thousand(self) -> float:
        """That part of it which came behind the stretch."""
        return self.later_cpu / self.operations * 1000

    def latency(self, percent: int) -> float:
        """A percentile of the latencies in milliseconds."""
        if not self.latencies:
            return 0.0
        if len(self.latencies) == 1:
            return self.latencies[0] * 1000
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


class Bench:
    """What a workload gets: the server, how big to be, and where to put its figures."""

    def __init__(
        self, contender: Contender, *, scale: float = 1.0, profiles: Path | None = None
    ) -> None:
        self.contender = contender
        self.rows: list[Row] = []
        self._scale = scale
        self._profiles = profiles

    def scaled(self, count: int, least: int = 1) -> int:
        """A count, smaller in a quick run."""
        return max(least, int(count * self._scale))

    @contextlib.contextmanager
    def measure(self, workload: str, operations: int) -> Iterator[Row]:
        """Measure the block; it fills in latencies and may correct `operations`."""
        row = Row(workload, self.contender.name, operations)
        with self._profile(workload):
            cpu = process_tree.cpu_seconds(self.contender.roots)
            own, began = time.process_time(), time.perf_counter()
            yield row
            row.seconds = time.perf_counter() - began
            row.generator_cpu = time.process_time() - own
            row.cpu_seconds = process_tree.cpu_seconds(self.contender.roots) - cpu
            row.memory = process_tree.memory_bytes(self.contender.roots)
        self.rows.append(row)

    async def settle(self, row: Row | None = None) -> float:
        """Wait until the server is quiet, for at most two minutes; what it uses is the row's.

        The seconds until it was, to half a second.
        """
        roots = self.contender.roots
        before = last = process_tree.cpu_seconds(roots)
        began = busy = time.monotonic()
        while busy - began < 120:
            await asyncio.sleep(_LOOK_SECONDS)
            now = process_tree.cpu_seconds(roots)
            if now - last >= _QUIET_SHARE * _LOOK_SECONDS:
                last, busy = now, time.monotonic()
            elif time.monotonic() - busy >= _QUIET_SECONDS:
                break
        if row is not None:
            row.later_cpu = last - before
        return busy - began

    @contextlib.contextmanager
    def _profile(self, workload: str) -> Iterator[None]:
        """A flame graph of Pillarbox, when asked for."""
        if self._profiles is None or self.contender.name != "pillarbox":
            yield
            return
        self._profiles.mkdir(parents=True, exist_ok=True)
        graph = self._profiles / f"{workload}.svg"
        py_spy = Path(sys.executable).with_name("py-spy")
        command = [str(py_spy), "record", "--subprocesses", "--native", "--rate", "250"]
        process = subprocess.Popen(
            [*command, "--pid", str(self.contender.roots[0]), "--output", str(graph)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(1.0)  # until it is attached
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


@contextlib.contextmanager
def timed(row: Row) -> Iterator[None]:
    """One operation's latency."""
    began = time.perf_counter()
    yield
    row.latencies.append(time.perf_counter() - began)
