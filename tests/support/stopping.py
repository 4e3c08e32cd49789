"""Tasks that are stopped at a given await."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class StoppedAt(Generic[T]):
    """`await StoppedAt(work, n)`: the n-th time that the work would wait, it is cancelled there."""

    def __init__(self, work: Coroutine[Any, Any, T], at: int) -> None:
        self._work = work
        self._left = at

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._work.__await__()
        try:
            waiting = next(steps)
            while True:
                self._left -= 1
                if self._left == 0:
                    # What it waited for goes on without it, as after any cancellation.
                    if asyncio.isfuture(waiting):
                        waiting._asyncio_future_blocking = False  # type: ignore[attr-defined]
                    waiting = steps.throw(asyncio.CancelledError())
                else:
                    yield waiting
                    waiting = next(steps)
        except StopIteration as done:
            value: T = done.value
            return value
