"""How slow the machine is here and now, for tests that bound a time.

A bound in seconds is meant for a core of one's own. Where others share it, a piece of work whose
time on such a core is known tells by how much the bound has to be stretched. Never by more than
tenfold: what takes longer than that has another reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

_PIECE_SECONDS = 0.015  # Python 3.11 on an idle core of a rented server
_MOST = 10.0
_TRIES = 5


def cpu_bound(seconds: float) -> float:
    """Seconds of CPU that may take as much as these do on a core of one's own."""
    return seconds * _stretch(time.process_time)


def wall_bound(seconds: float) -> float:
    """Seconds by the clock that may pass where these do on a machine of one's own."""
    return seconds * _stretch(time.perf_counter)


def _stretch(clock: Callable[[], float]) -> float:
    took = sorted(_piece(clock) for _ in range(_TRIES))
    return min(max(took[_TRIES // 2] / _PIECE_SECONDS, 1.0), _MOST)


def _piece(clock: Callable[[], float]) -> float:
    """Objects, strings and memory: what a server's work is like, not a loop that fits a cache."""
    began = clock()
    rows = [{"number": n, "name": f"u{n}@d.example", "flags": ["a", "b"]} for n in range(12_000)]
    json.dumps(rows)
    return clock() - began
