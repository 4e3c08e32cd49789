"""How several processes share the tests: by file, the longest first, so that none waits at the end.

What a file takes is written in `longest.txt` beside this; what is not there is short.
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


def _read_longest() -> dict[str, float]:
    lines = Path(__file__).with_name("longest.txt").read_text().splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: float(seconds) for seconds, name in words}


class LongestFirst(LoadFileScheduling):
    """Gives a file's tests to one process, and the longest files first."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._longest = _read_longest()

    def _split_scope(self, nodeid: str) -> str:
        name = _file_of(nodeid)
        return f"{_BROWSER}{len(name) % _BROWSERS}" if name.startswith(_BROWSER) else name

    def _assign_work_unit(self, node: Any) -> None:
        longest = max(self.workqueue, key=self._seconds)
        self.workqueue.move_to_end(longest, last=False)
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
