"""The IMAP door: makes a connection for each client, and lets them go when the server stops."""

from __future__ import annotations

from pillarbox.imap.server.connection import ImapConnection
from pillarbox.imap.server.context import ImapServices
from pillarbox.net.listener import Listener

__all__ = ["ImapServer", "ImapServices"]


class ImapServer:
    """IMAP on any number of listeners."""

    def __init__(self, services: ImapServices) -> None:
        self._services = services
        self._open: set[ImapConnection] = set()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def connection(self, listener: Listener) -> ImapConnection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        return ImapConnection(self._services, listener, self._open)

    async def drain(self, seconds: float) -> None:
        """Ask all to finish what is under way, then close the rest."""
        for connection in list(self._open):
            connection.finish()
        ends_at = self._services.clock.monotonic() + seconds
        while self._open and self._services.clock.monotonic() < ends_at:
            await self._services.clock.sleep(0.02)
        for connection in list(self._open):
            connection.abort()
