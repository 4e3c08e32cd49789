"""What the servers of all protocols have in common: who is connected, and how they let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from pillarbox.clock import Clock
from pillarbox.config.limits import LimitSettings
from pillarbox.net.listener import Listener
from pillarbox.net.tls import TlsContexts

if TYPE_CHECKING:
    from pillarbox.net.peer import PeerConnection

_LOOK_SECONDS = 0.02  # between looks whether all connections have ended


class Lease(Protocol):
    """A place under the connection limits."""

    def release(self) -> None:
        """Give the place back; safe to call twice."""


class Door:
    """One protocol's server within a worker; protocols subclass it and make the connections."""

    def __init__(
        self, admit: Callable[[str], Lease | None], tls: TlsContexts | None, clock: Clock
    ) -> None:
        self.admit = admit  # a place for a peer at an address, None when there is none
        self.tls = tls  # None: no STARTTLS, no channel bindings
        self.standing: set[PeerConnection] = set()  # connections themselves come and leave
        self.handshakes: set[asyncio.Task[None]] = set()  # of connections that have yet to begin
        self.linger_seconds = LimitSettings().linger_seconds  # for peers to take the last octets
        self._clock = clock

    @property
    def connections(self) -> int:
        """How many stand now."""
        return len(self.standing)

    def connection(self, listener: Listener) -> PeerConnection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        raise NotImplementedError

    async def drain(self, seconds: float) -> None:
        """Ask all connections to finish what is under way; cut those that did not in time."""
        for handshake in tuple(self.handshakes):
            handshake.cancel()
        for connection in tuple(self.standing):
            connection.finish()
        ends_at = self._clock.monotonic() + seconds
        while self.standing and self._clock.monotonic() < ends_at:
            await self._clock.sleep(_LOOK_SECONDS)
        for connection in tuple(self.standing):
            connection.abort()
