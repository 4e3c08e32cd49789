"""The IMAP door: makes a connection for each client."""

from __future__ import annotations

from pillarbox.imap.server.connection import ImapConnection
from pillarbox.imap.server.context import ImapServices
from pillarbox.net.door import Door
from pillarbox.net.listener import Listener

__all__ = ["ImapServer", "ImapServices"]


class ImapServer(Door):
    """IMAP on any number of listeners."""

    def __init__(self, services: ImapServices) -> None:
        super().__init__(services.admit, services.tls, services.clock)
        self._services = services

    def connection(self, listener: Listener) -> ImapConnection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        return ImapConnection(self, self._services, listener)
