"""The POP3 door: makes a connection for each client; they share the maildrops' locks."""

from __future__ import annotations

from pillarbox.net.door import Door
from pillarbox.net.listener import Listener
from pillarbox.pop3.server.connection import Pop3Connection
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.pop3.server.services import Pop3Services


class Pop3Server(Door):
    """POP3 on any number of listeners."""

    def __init__(self, services: Pop3Services) -> None:
        super().__init__(services.admit, services.tls, services.clock)
        self._services = services
        self._locks = MaildropLocks(services.lock_file)

    def connection(self, listener: Listener) -> Pop3Connection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        return Pop3Connection(self, self._services, self._locks, listener)

    def close(self) -> None:
        """Give the locks back."""
        self._locks.close()
