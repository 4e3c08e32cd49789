"""The POP3 server of one worker: makes connections, knows them, ends them."""

from __future__ import annotations

from pillarbox.net.listener import Listener
from pillarbox.pop3.server.connection import Pop3Connection
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.pop3.server.services import Pop3Services

_LOOK_SECONDS = 0.05  # between looks whether all connections have ended


class Pop3Server:
    """The factory behind every POP3 listener."""

    def __init__(self, services: Pop3Services) -> None:
        self._services = services
        self._locks = MaildropLocks(services.lock_file)
        self._connections: set[Pop3Connection] = set()

    @property
    def connections(self) -> int:
        """How many stand now."""
        return len(self._connections)

    def connection(self, listener: Listener) -> Pop3Connection:
        """For `create_server`: the protocol of one connection."""
        return Pop3Connection(
            self._services,
            self._locks,
            listener,
            began=self._connections.add,
            ended=self._connections.discard,
        )

    async def drain(self, seconds: float) -> None:
        """Let commands under way end, for so long; then cut what is left."""
        for connection in tuple(self._connections):
            connection.drain()
        clock = self._services.clock
        until = clock.monotonic() + seconds
        while self._connections and clock.monotonic() < until:
            await clock.sleep(_LOOK_SECONDS)
        for connection in tuple(self._connections):
            connection.abort()

    def close(self) -> None:
        """Give the locks back."""
        self._locks.close()
