"""Whether a server takes as long for one kind of question as for another (SIGN-2, REC-1)."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

TRIES = 200  # of each kind, as web.md §2.4 says
MOST_SECONDS = 0.010  # between the medians
_CHANCES = 3  # what tells kinds apart does it every time; a busy machine does not


def spread(took: dict[str, list[float]]) -> float:
    """Between the slowest and the fastest of the medians."""
    medians = [statistics.median(of) for of in took.values()]
    return max(medians) - min(medians)


def in_turns(kinds: Sequence[str], tries: int = TRIES) -> list[str]:
    """Each so often, in rounds of any order: whatever else the machine does befalls all alike."""
    order = random.Random(11)
    return [kind for _ in range(tries) for kind in order.sample(list(kinds), len(kinds))]


async def assert_even(
    kinds: Sequence[str], ask: Callable[[str], Awaitable[None]]
) -> dict[str, float]:
    """The medians in seconds, which are alike at least once in some attempts."""
    for _ in range(_CHANCES):
        took: dict[str, list[float]] = {kind: [] for kind in kinds}
        for kind in in_turns(kinds):
            began = time.perf_counter()
            await ask(kind)
            took[kind].append(time.perf_counter() - began)
        if spread(took) < MOST_SECONDS:
            break
    medians = {kind: statistics.median(of) for kind, of in took.items()}
    assert spread(took) < MOST_SECONDS, medians
    return medians
