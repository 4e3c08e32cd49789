"""How several processes share the tests: by file, the longest first, none waits at the end.

What a file takes is written in `longest.txt` beside this, in seconds; what is not there is short.
A file marked `apart` there has tests that share nothing but what lives as long as the process, so
each is given out by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_BROWSER = "tests/browser/"
_BROWSERS = 2  # processes with a browser and its server: each has its own, and both are large
_SHORT_SECONDS = 0.02  # a test of a file that is not in the list


def _read_longest() -> dict[str, tuple[float, bool]]:
    found = {}
    for line in Path(__file__).with_name("longest.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            seconds, name, *apart = line.split()
            found[name] = float(seconds), bool(apart)
    return found


class LongestFirst(LoadFileScheduling):
    """Gives a file's tests to one process, and the longest files first."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._longest = _read_longest()

    def _split_scope(self, nodeid: str) -> str:
        name = nodeid.split("::", 1)[0]
        if name.startswith(_BROWSER):
            return f"{_BROWSER}{len(name) % _BROWSERS}"
        return nodeid if self._longest.get(name, (0, False))[1] else name

    def _assign_work_unit(self, node: Any) -> None:
        longest = max(self.workqueue, key=self._seconds)
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)

    def _seconds(self, unit: str) -> float:
        tests = self.workqueue[unit]
        files: dict[str, int] = {}
        for test in tests:
            name = test.split("::", 1)[0]
            files[name] = files.get(name, 0) + 1
        return sum(self._of_file(name, count) for name, count in files.items())

    def _of_file(self, name: str, tests: int) -> float:
        seconds, apart = self._longest.get(name, (0.0, False))
        if apart:
            assert self.collection is not None
            tests = 1
            seconds /= sum(test.startswith(f"{name}::") for test in self.collection)
        return max(seconds, tests * _SHORT_SECONDS)


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
