"""The AUTHORIZATION state: USER and PASS, AUTH, the maildrop's lock (RFC 1939 §4, RFC 5034)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pillarbox.accounts.exchange import Exchange
from pillarbox.accounts.identity import Identity, SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.clock import unix_seconds
from pillarbox.errors import PillarboxError
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.pop3.server.maildrop import Maildrop
from pillarbox.pop3.server.services import Pop3Services
from pillarbox.pop3.server.texts import Say
from pillarbox.pop3.wire.replies import Continue, Reply
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.line import decode_initial, decode_line
from pillarbox.sasl.plain import encode_plain

if TYPE_CHECKING:
    from pillarbox.pop3.server.session import Peer


class SignIn:
    """Who the client is. Methods answer None when the client has signed in."""

    def __init__(self, services: Pop3Services, locks: MaildropLocks, peer: Peer) -> None:
        self._services = services
        self._locks = locks
        self._peer = peer
        self._exchange: Exchange | None = None
        self._identity: Identity | None = None
        self._locked = False
        self.username = ""  # from USER
        self.failures = 0

    @property
    def in_exchange(self) -> bool:
        """Whether the next line belongs to AUTH."""
        return self._exchange is not None

    @property
    def login(self) -> str:
        """Who signed in; "" before that."""
        return self._identity.login if self._identity is not None else ""

    def mechanisms(self) -> tuple[str, ...]:
        """What AUTH takes on this connection."""
        return self._services.authenticator.mechanisms(
            secure=self._peer.is_secure, binding=bool(self._peer.bindings())
        )

    async def by_password(self, password: Secret) -> Reply | None:
        """PASS after USER. Raises AuthenticationFailed, Throttled, MalformedResponse, …"""
        username, self.username = self.username, ""
        with self._ending_at_errors():
            self._begin("PLAIN")
            if b"\0" in password.reveal() or not password.reveal():
                raise MalformedResponse
            return await self._step(encode_plain(username, password))

    async def begin(self, mechanism: str, initial: Secret | None) -> Reply | None:
        """AUTH. Raises UnknownMechanism and what `respond` raises."""
        self._begin(mechanism)
        with self._ending_at_errors():
            return await self._step(
                decode_initial(initial.reveal() if initial is not None else None)
            )

    async def respond(self, line: bytes) -> Reply | None:
        """A line within AUTH. Raises AuthenticationFailed, Throttled, MalformedResponse, …"""
        with self._ending_at_errors():
            return await self._step(decode_line(line))

    def cancel(self) -> None:
        """Leave AUTH."""
        self._exchange = None

    async def open_maildrop(self) -> Maildrop | Say:
        """Lock and load; a sentence says why not. Raises the store's errors."""
        assert self._identity is not None
        account = self._identity.account
        settings = self._services.settings
        now = unix_seconds(self._services.clock.now())
        if settings.exclusive:
            if not self._locks.acquire(account):
                return Say.IN_USE
            self._locked = True
        if settings.login_delay_seconds:
            if now - self._locks.last_session(account) < settings.login_delay_seconds:
                self.release()
                return Say.TOO_SOON
            self._locks.note_session(account, now)
        return await Maildrop.open(self._services.store, account)

    @property
    def account(self) -> AccountId | None:
        """Who signed in."""
        return self._identity.account if self._identity is not None else None

    @property
    def credential(self) -> str:
        """By what; "" before that."""
        return self._identity.credential if self._identity is not None else ""

    def release(self) -> None:
        """Give the maildrop back."""
        if self._locked and self._identity is not None:
            self._locked = False
            self._locks.release(self._identity.account)

    def _begin(self, mechanism: str) -> None:
        self._exchange = self._services.authenticator.begin(
            mechanism,
            scope=Scope.POP3,
            peer=self._peer.address,
            secure=self._peer.is_secure,
            bindings=self._peer.bindings(),
            journey=self._peer.journey,
        )

    @contextmanager
    def _ending_at_errors(self) -> Iterator[None]:
        """An error ends the exchange and counts."""
        try:
            yield
        except PillarboxError:
            self.cancel()
            self.failures += 1
            raise

    async def _step(self, response: bytes | None) -> Reply | None:
        assert self._exchange is not None
        outcome = await self._exchange.step(response)
        if isinstance(outcome, SignedIn):
            self.cancel()
            self._identity = outcome.identity
            return None
        return Continue(outcome.octets)
