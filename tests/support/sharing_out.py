"""How several processes share the tests: by file, the longest first, so that none waits at the end.

What a file takes is written in `longest.txt` beside this; what is not there is short. Some files
mostly wait, for locks that run out or for servers that take their time. One process begins with
those: in several at once they would leave the processor idle.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_BROWSER = "tests/browser/"
_BROWSERS = 2  # processes with a browser and its server: each has its own, and both are large
_SHORT_SECONDS = 0.02  # a test of a file that is not in the list


def _file_of(nodeid: str) -> str:
    return nodeid.split("::", 1)[0]


def _read_longest() -> tuple[dict[str, float], set[str]]:
    """Seconds by file, and the files that mostly wait."""
    lines = Path(__file__).with_name("longest.txt").read_text().splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    seconds = {name: float(figure) for figure, name, *_ in words}
    return seconds, {name for _, name, *mark in words if mark == ["waits"]}


class LongestFirst(LoadFileScheduling):
    """Gives a file's tests to one process, the longest files first; to the last process those first
    that mostly wait.
    """

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._longest, self._waiting = _read_longest()

    def _split_scope(self, nodeid: str) -> str:
        name = _file_of(nodeid)
        return f"{_BROWSER}{len(name) % _BROWSERS}" if name.startswith(_BROWSER) else name

    def _assign_work_unit(self, node: Any) -> None:
        waits = self.numnodes > 2 and node.gateway.id == f"gw{self.numnodes - 1}"
        chosen = max(
            self.workqueue,
            key=lambda unit: ((unit in self._waiting) == waits, self._seconds(unit)),
        )
        self.workqueue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)

    def _seconds(self, unit: str) -> float:
        files = Counter(map(_file_of, self.workqueue[unit]))
        short = ((name, count * _SHORT_SECONDS) for name, count in files.items())
        return sum(self._longest.get(name, seconds) for name, seconds in short)


def collect_in_turn(config: pytest.Config, folder: Path) -> None:
    """Begin at another folder than the other processes: what one has compiled, others only read.

    Each reads all the tests, and to compile them takes three times as long as that.
    """
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args != config.getini("testpaths"):
        return
    parts = sorted(str(path) for path in folder.iterdir() if path.is_dir() and _has_tests(path))
    number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    first = len(parts) * number // count
    config.args[:] = parts[first:] + parts[:first]


def _has_tests(folder: Path) -> bool:
    return next(folder.rglob("test_*.py"), None) is not None
