"""One SMTP session's facts, and the services that its commands use. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pillarbox.config.submission import SubmissionSettings
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.ids import new_journey

if TYPE_CHECKING:
    from pillarbox.accounts.authenticator import Authenticator
    from pillarbox.accounts.directory import Directory
    from pillarbox.accounts.exchange import Exchange
    from pillarbox.accounts.identity import Identity
    from pillarbox.clock import Clock
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.flow.delivery.envelope import Targets
    from pillarbox.flow.delivery.verdict import Refused
    from pillarbox.flow.inbound.judge import Judge
    from pillarbox.flow.inbound.recipients import RecipientPolicy
    from pillarbox.net.door import Lease
    from pillarbox.net.tls import TlsContexts
    from pillarbox.smtp.server.reception import Reception
    from pillarbox.smtp.server.verb import Dialect
    from pillarbox.store import Store
    from pillarbox.store.blobs.spool import Spool

MX, SUBMISSION, LMTP = "mx", "submission", "lmtp"  # roles of a listener


@dataclass(frozen=True, slots=True)
class SmtpServices:
    """What an SMTP door needs from the rest of the system."""

    store: Store
    directory: Directory
    authenticator: Authenticator
    settings: SmtpSettings
    hostname: str
    clock: Clock
    admit: Callable[[str], Lease | None]  # usually ConnectionLimiter.admit
    tls: TlsContexts | None = None  # None: no STARTTLS
    recipients: RecipientPolicy | None = None  # None: the directory's addresses
    judge: Judge | None = None  # None: mail from elsewhere is taken as it comes
    submission: SubmissionSettings = field(default_factory=SubmissionSettings)


class Way(Protocol):
    """How mail is taken: `flow.inbound.Inbound` or `flow.submission.Submission`."""

    async def check_sender(self, origin: Origin, reverse_path: str) -> Refused | None: ...

    async def check_recipient(
        self, origin: Origin, address: str, size: int, sender: Sender | None = None
    ) -> Targets | Refused: ...

    async def take(self, envelope: Envelope, spool: Spool) -> list[Refused | None]: ...


@dataclass(frozen=True, slots=True)
class Ways:
    """Both ways, made once for a door."""

    inbound: Way
    submission: Way


@dataclass(slots=True)
class Transaction:
    """From MAIL to the end of data (RFC 5321 §3.3)."""

    sender: Sender
    origin: Origin
    journey: str = field(default_factory=new_journey)
    recipients: list[Recipient] = field(default_factory=list)
    reception: Reception | None = None  # kept over the chunks of BDAT

    def envelope(self, *, split: bool) -> Envelope:
        """The transaction as the flow takes it."""
        return Envelope(self.journey, self.origin, self.sender, tuple(self.recipients), split)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end, as the connection knows it."""

    address: str
    is_loopback: bool
    tls: bool
    bindings: Mapping[str, bytes]


class Context:
    """What a running command may see and change."""

    def __init__(
        self, services: SmtpServices, ways: Ways, dialect: Dialect, role: str, peer: Peer
    ) -> None:
        self.services = services
        self.ways = ways
        self.dialect = dialect
        self.role = role
        self.peer = peer
        self.can_start_tls = False
        self.journey = new_journey()
        self.helo = ""
        self.is_extended = False  # EHLO or LHLO, not HELO
        self.identity: Identity | None = None
        self.transaction: Transaction | None = None
        self.receiving: Reception | None = None  # octets that come now are a message's
        self.exchange: Exchange | None = None  # the next line is the client's part of AUTH
        self.starting_tls = False  # the connection changes to TLS behind this reply
        self.closing = False  # the connection closes behind this reply
        self.bad_commands = 0
        self.idle_commands = 0
        self.transactions = 0

    @property
    def settings(self) -> SmtpSettings:
        return self.services.settings

    @property
    def is_secure(self) -> bool:
        """Whether a password may pass."""
        return self.peer.tls or self.peer.is_loopback

    @property
    def is_lmtp(self) -> bool:
        return self.role == LMTP

    @property
    def offers_auth(self) -> bool:
        """AUTH is for submission; on port 25 only by setting, never on LMTP."""
        if self.role == SUBMISSION:
            return self.is_secure
        return self.role == MX and self.settings.auth_on_mx and self.is_secure

    @property
    def way(self) -> Way:
        """A signed-in client submits, all others bring mail from elsewhere."""
        return self.ways.inbound if self.identity is None else self.ways.submission

    def origin(self, *, smtputf8: bool = False) -> Origin:
        """The client, as the trace names it."""
        identity = self.identity
        return Origin(
            peer=self.peer.address,
            helo=self.helo,
            protocol=self._protocol(smtputf8),
            session=self.journey,
            account=identity.account if identity is not None else None,
            login=identity.login if identity is not None else "",
        )

    def _protocol(self, smtputf8: bool) -> str:
        """The "with" word (RFC 3848; RFC 6531 §4.3)."""
        kind = "LMTP" if self.is_lmtp else "SMTP"
        if smtputf8:
            kind = f"UTF8{kind}"
        elif self.is_extended and not self.is_lmtp:
            kind = f"E{kind}"
        if not self.is_extended:
            return kind
        return f"{kind}{'S' if self.peer.tls else ''}{'A' if self.identity else ''}"

    def reset(self) -> None:
        """Forget the transaction (RSET, EHLO, a new MAIL, the end of data)."""
        transaction, self.transaction, self.receiving = self.transaction, None, None
        if transaction is not None and transaction.reception is not None:
            transaction.reception.discard()

    def begin_anew(self, peer: Peer) -> None:
        """TLS stands: nothing that was said in the clear counts (RFC 3207 §4.2)."""
        self.reset()
        self.peer = peer
        self.helo, self.is_extended = "", False
        self.identity, self.exchange = None, None
        self.starting_tls = False
