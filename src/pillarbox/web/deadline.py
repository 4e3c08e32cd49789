"""A deadline that is moved often: it costs a timer now and then, not each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls `passed` when nobody moved or ended it in time."""

    __slots__ = ("_ends_at", "_loop", "_passed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._timer: asyncio.TimerHandle | None = None
        self._ends_at: float | None = None  # on the loop's clock

    @property
    def is_set(self) -> bool:
        """Whether it may pass."""
        return self._ends_at is not None

    def set(self, seconds: float) -> None:
        """From now on."""
        self._ends_at = ends_at = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > ends_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(ends_at, self._fired)

    def end(self) -> None:
        """It is no more."""
        self._ends_at = None

    def drop(self) -> None:
        """The same, and nothing is left in the loop."""
        self.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fired(self) -> None:
        self._timer = None
        if self._ends_at is None:
            return
        if self._loop.time() < self._ends_at:
            self._timer = self._loop.call_at(self._ends_at, self._fired)
        else:
            self._ends_at = None
            self._passed()
