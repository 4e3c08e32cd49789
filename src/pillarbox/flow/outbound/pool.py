"""Connections between two uses, by destination; kept for some seconds only."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass

from pillarbox.clock import Clock
from pillarbox.config.outbound import OutboundSettings
from pillarbox.flow.outbound.route import Host
from pillarbox.smtp.client.connection import SmtpConnection

LOOK_SECONDS = 1.0  # between looks for connections that have been idle for too long


@dataclass(slots=True, eq=False)
class Line:
    """A connection to a server of a destination."""

    connection: SmtpConnection
    host: Host
    trusted: bool  # fit for REQUIRETLS: the server is known and promises to pass it on
    since: float = 0.0  # idle from then on, monotonic
    fresh: bool = True  # nothing was sent over it yet

    @property
    def remote_mta(self) -> str:
        """The server's name in reports."""
        return self.host.name


class Pool:
    """`take` and `put`; `close` takes leave of all."""

    def __init__(self, settings: OutboundSettings, clock: Clock) -> None:
        self._seconds = settings.idle_seconds
        self._most = settings.idle_connections
        self._clock = clock
        self._idle: defaultdict[str, list[Line]] = defaultdict(list)
        self._count = 0
        self._sweeper: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return self._count

    def take(self, key: str, *, trusted: bool) -> Line | None:
        """A connection that still stands; the one that was used last, so that others can end."""
        lines = self._idle.get(key, [])
        for at in range(len(lines) - 1, -1, -1):
            if trusted and not lines[at].trusted:
                continue
            line = lines.pop(at)
            self._count -= 1
            if line.connection.is_usable:
                return line
            self._leave(line)
        return None

    def put(self, key: str, line: Line) -> None:
        """Keep it for the next message, if it can take one."""
        kept = not self._closed and self._seconds > 0 and self._count < self._most
        if not kept or not line.connection.is_usable:
            self._leave(line)
            return
        line.since = self._clock.monotonic()
        line.fresh = False
        self._idle[key].append(line)
        self._count += 1
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep(), name="idle-connections")

    async def close(self) -> None:
        """Take leave of all."""
        self._closed = True
        for lines in self._idle.values():
            for line in lines:
                self._leave(line)
        self._idle.clear()
        self._count = 0
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        await asyncio.gather(*self._leaving, return_exceptions=True)

    def _leave(self, line: Line) -> None:
        """QUIT, beside everything else."""
        task = asyncio.create_task(line.connection.quit(), name="quit")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _sweep(self) -> None:
        while self._count:
            await self._clock.sleep(min(LOOK_SECONDS, max(self._seconds, 0.01)))
            oldest = self._clock.monotonic() - self._seconds
            for key in list(self._idle):
                lines = self._idle[key]
                for line in [line for line in lines if line.since <= oldest]:
                    lines.remove(line)
                    self._count -= 1
                    self._leave(line)
                if not lines:
                    del self._idle[key]
        self._sweeper = None
