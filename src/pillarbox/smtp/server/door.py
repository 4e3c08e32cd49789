"""The SMTP door: makes a connection for each peer, and both ways that mail is taken."""

from __future__ import annotations

from pillarbox.flow.delivery.local import Deliverer
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.inbound.reception import Inbound
from pillarbox.flow.inbound.recipients import DirectoryRecipients
from pillarbox.flow.submission.reception import Rules, Submission
from pillarbox.net.door import Door
from pillarbox.net.listener import Listener
from pillarbox.smtp.server.connection import SmtpConnection
from pillarbox.smtp.server.context import SmtpServices, Ways


class SmtpServer(Door):
    """Port 25, submission and LMTP: `listener.role` is "mx", "submission" or "lmtp"."""

    def __init__(self, services: SmtpServices) -> None:
        super().__init__(services.admit, services.tls, services.clock)
        self._services = services
        recipients = services.recipients
        if recipients is None:
            recipients = DirectoryRecipients(services.store, services.directory)
        hostname, clock = services.hostname, services.clock
        deliverer = Deliverer(services.store, services.directory, hostname=hostname, clock=clock)
        self._ways = Ways(
            inbound=Inbound(deliverer, recipients, services.settings, services.judge),
            submission=Submission(
                services.store,
                deliverer,
                services.directory,
                Rules(services.settings, services.submission),
                signer=Signer(SigningKeys(services.store), clock, hostname),
                clock=clock,
                recipients=services.recipients,
            ),
        )

    def connection(self, listener: Listener) -> SmtpConnection:
        """A protocol for one accepted socket, as `create_server` wants from its factory."""
        return SmtpConnection(self, self._services, self._ways, listener)
