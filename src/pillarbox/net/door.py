"""What the servers of all protocols have in common: who is connected, and how they let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from pillarbox.clock import Clock
from pillarbox.config.limits import LimitSettings
from pillarbox.ids import AccountId
from pillarbox.net.listener import Listener
from pillarbox.net.tls import TlsContexts

_LET_GO_SECONDS = 2.0  # for a command under way of somebody who was signed out
_LOOK_SECONDS = 0.02  # between looks whether all connections have ended


class Lease(Protocol):
    """A place under the connection limits."""

    def release(self) -> None:
        """Give the place back; safe to call twice."""


class Connection(asyncio.Protocol):
    """What a door needs of an accepted connection, whatever is spoken there."""

    @property
    def account(self) -> AccountId | None:
        """Who signed in, for as long as the connection is theirs."""
        return None

    @property
    def credential(self) -> str:
        """By what: a password has another name than each app password."""
        return ""

    def take_place(self, lease: Lease) -> None:
        """Use this place under the limits, taken before the connection was made (`TlsGate`)."""
        raise NotImplementedError

    def finish(self) -> None:
        """The server stops: end now, or behind what is under way."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close without flushing."""
        raise NotImplementedError


class Door:
    """One protocol's server within a worker; protocols subclass it and make the connections."""

    def __init__(
        self, admit: Callable[[str], Lease | None], tls: TlsContexts | None, clock: Clock
    ) -> None:
        self.admit = admit  # a place for a peer at an address, None when there is none
        self.tls = tls  # None: no STARTTLS, no channel bindings
        self.standing: set[Connection] = set()  # connections themselves come and leave
        self.handshakes: set[asyncio.Task[None]] = set()  # of connections that have yet to begin
        self.linger_seconds = LimitSettings().linger_seconds  # for peers to take the last octets
        self._clock = clock

    @property
    def connections(self) -> int:
        """How many stand now."""
        return len(self.standing)

    def connection(self, listener: Listener) -> Connection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        raise NotImplementedError

    def retire(self) -> None:
        """Another process has the sockets from now on: send away whoever only waits."""

    def let_go(self, account: AccountId, credential: str | None = None) -> None:
        """The account's connections end: at once, or behind what is under way, if that is soon.

        With `credential` only those that it opened.
        """
        loop = asyncio.get_running_loop()
        for connection in tuple(self.standing):
            is_meant = credential is None or connection.credential == credential
            if connection.account == account and is_meant:
                connection.finish()
                loop.call_later(_LET_GO_SECONDS, self._cut, connection, account)

    def _cut(self, connection: Connection, account: AccountId) -> None:
        if connection in self.standing and connection.account == account:
            connection.abort()

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
