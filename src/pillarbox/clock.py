"""Time, handed in: nothing else in the package asks the system for it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the time is and how to wait for it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards, from an arbitrary start."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def cpu_seconds() -> tuple[float, float]:
    """CPU time used so far by the calling thread, and by the other threads of the process."""
    own = time.thread_time()
    return own, time.process_time() - own


def unix_seconds(instant: datetime) -> int:
    """Whole seconds since 1970, as instants are stored."""
    return int(instant.timestamp())


def from_unix_seconds(seconds: int) -> datetime:
    """The aware UTC instant of a stored number of seconds."""
    return datetime.fromtimestamp(seconds, UTC)
