"""A clock that stands still until it is told to go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """`advance` moves the time and wakes the sleepers whose time has come."""

    def __init__(self, start: datetime = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._monotonic + seconds, waiter))
        await waiter

    @property
    def sleeping(self) -> list[float]:
        """Seconds that each sleeper still has to wait."""
        return [until - self._monotonic for until, waiter in self._sleepers if not waiter.done()]

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, then let everyone who woke run."""
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)
        due = [waiter for until, waiter in self._sleepers if until <= self._monotonic]
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self._monotonic]
        for waiter in due:
            if not waiter.done():
                waiter.set_result(None)
        for _ in range(5):
            await asyncio.sleep(0)
