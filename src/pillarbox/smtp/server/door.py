"""The SMTP door: makes a connection for each peer, and lets them go when the server stops."""

from __future__ import annotations

from pillarbox.flow.delivery.local import Deliverer
from pillarbox.flow.inbound.reception import Inbound
from pillarbox.flow.inbound.recipients import DirectoryRecipients
from pillarbox.flow.submission.limits import Unlimited
from pillarbox.flow.submission.reception import Submission
from pillarbox.net.listener import Listener
from pillarbox.smtp.server.connection import SmtpConnection
from pillarbox.smtp.server.context import SmtpServices, Ways


class SmtpServer:
    """Port 25, submission and LMTP: `listener.role` is "mx", "submission" or "lmtp"."""

    def __init__(self, services: SmtpServices) -> None:
        self._services = services
        self._open: set[SmtpConnection] = set()
        recipients = services.recipients
        if recipients is None:
            recipients = DirectoryRecipients(services.directory)
        hostname, clock = services.hostname, services.clock
        deliverer = Deliverer(services.store, services.directory, hostname=hostname, clock=clock)
        self._ways = Ways(
            inbound=Inbound(deliverer, recipients, services.settings),
            submission=Submission(
                services.store,
                deliverer,
                services.directory,
                services.settings,
                limits=services.sending_limits or Unlimited(),
                clock=clock,
                recipients=services.recipients,
            ),
        )

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def connection(self, listener: Listener) -> SmtpConnection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        return SmtpConnection(self._services, self._ways, listener, self._open)

    async def drain(self, seconds: float) -> None:
        """Ask all to finish what is under way, then close the rest."""
        for connection in list(self._open):
            connection.finish()
        ends_at = self._services.clock.monotonic() + seconds
        while self._open and self._services.clock.monotonic() < ends_at:
            await self._services.clock.sleep(0.02)
        for connection in list(self._open):
            connection.abort()
