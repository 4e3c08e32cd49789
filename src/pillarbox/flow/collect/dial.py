"""From a server's name and a sign-in to a connection that can be read from.

Whoever names a server chooses where we connect. So a name is resolved once, each of its addresses
is judged, and the address that was judged is the one that is connected to.
"""

from __future__ import annotations

import binascii
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from pillarbox.clock import Clock
from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.config.pop3_client import Pop3ClientLimits, Pop3ClientTimeouts
from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.collect.refusals import source_failure
from pillarbox.flow.collect.settings import ServerSpec, SignIn
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.networks import parse_peer
from pillarbox.net.outgoing.connector import Connector, TcpConnector
from pillarbox.net.outgoing.failure import LinkFailure
from pillarbox.net.outgoing.peer_tls import PeerVerifier, verified, verifying_context
from pillarbox.net.secret import Secret
from pillarbox.pop3.client.connection import Pop3Connection
from pillarbox.pop3.client.conversation import Pop3Caller
from pillarbox.sasl.client import Credentials
from pillarbox.smtp.client.connection import Caller, SmtpConnection

T = TypeVar("T")

MAX_ADDRESSES = 8  # of one host that are tried
_LOCALHOST = ("127.0.0.1", "::1")  # RFC 6761 §6.3: not a question for the DNS
_SHORTEST_SECRET = 4  # octets: what is shorter would blot out innocent words
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_PROBE = 9  # the discard port; no packet is sent there


class Patience(Struct, frozen=True, kw_only=True):
    """How long is waited and how much is kept, by protocol."""

    imap_timeouts: ImapClientTimeouts = ImapClientTimeouts()
    imap_limits: ImapClientLimits = ImapClientLimits()
    pop3_timeouts: Pop3ClientTimeouts = Pop3ClientTimeouts()
    pop3_limits: Pop3ClientLimits = Pop3ClientLimits()


class _Way(Struct, frozen=True):
    """One address of a server, and how to begin there."""

    address: str
    implicit: PeerVerifier | None
    starttls: PeerVerifier | None

    @property
    def in_the_clear(self) -> bool:
        return self.implicit is None and self.starttls is None


class Dialer:
    """Its methods give connections that are signed in, and raise SourceFailure."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        *,
        policy: AddressPolicy,
        authorities: Path | None = None,
        connector: Connector | None = None,
        is_own: Callable[[str], bool] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`policy.private` also allows own addresses, and no TLS to loopback. `authorities`: PEM
        file of those that vouch for servers, None for the system's."""
        self._resolver = resolver
        self._clock = clock
        self._policy = policy
        self._authorities = authorities
        self._connector = connector or TcpConnector()
        self._is_own = is_own or is_own_address
        self._patience = patience or Patience()
        self._context: ssl.SSLContext | None = None

    async def imap(self, server: ServerSpec, sign_in: SignIn) -> ImapConnection:
        """An IMAP connection in the authenticated state."""
        credentials = credentials_of(server, sign_in)
        caller = ImapCaller(
            clock=self._clock,
            timeouts=self._patience.imap_timeouts,
            limits=self._patience.imap_limits,
            connector=self._connector,
        )

        async def reach(way: _Way) -> ImapConnection:
            connection = await ImapConnection.open(
                caller, way.address, server.port, implicit_tls=way.implicit
            )
            if way.starttls is not None:
                await connection.start_tls(way.starttls)
            if not connection.is_preauthenticated:
                await connection.authenticate(credentials, in_the_clear=way.in_the_clear)
            return connection

        return await self._reach(server, sign_in, reach)

    async def pop3(self, server: ServerSpec, sign_in: SignIn) -> Pop3Connection:
        """A POP3 connection in the TRANSACTION state."""
        credentials = credentials_of(server, sign_in)
        caller = Pop3Caller(
            clock=self._clock,
            timeouts=self._patience.pop3_timeouts,
            limits=self._patience.pop3_limits,
            connector=self._connector,
        )

        async def reach(way: _Way) -> Pop3Connection:
            connection = await Pop3Connection.open(
                caller, way.address, server.port, implicit_tls=way.implicit
            )
            if way.starttls is not None:
                await connection.start_tls(way.starttls)
            await connection.authenticate(credentials, in_the_clear=way.in_the_clear)
            return connection

        return await self._reach(server, sign_in, reach)

    async def smtp(self, server: ServerSpec, sign_in: SignIn, caller: Caller) -> SmtpConnection:
        """A submission connection, signed in."""
        credentials = credentials_of(server, sign_in)

        async def reach(way: _Way) -> SmtpConnection:
            connection = await SmtpConnection.open(
                caller, way.address, server.port, implicit_tls=way.implicit
            )
            try:
                if way.starttls is not None:
                    await connection.start_tls(way.starttls)
                await connection.authenticate(credentials, in_the_clear=way.in_the_clear)
            except BaseException:
                connection.close()
                raise
            return connection

        return await self._reach(server, sign_in, reach)

    async def addresses(self, server: ServerSpec) -> list[str]:
        """Where the server is, of the addresses that may be gone to. Raises SourceFailure."""
        found = await self._look_up(server.host)
        allowed = [one for one in found if self._may_go(one, server.port)]
        if not allowed:
            raise SourceFailure(
                "address",
                f"{server.host} has only addresses that are private, or this server's own. Such "
                "servers are gone to only where the administrator allows it (--allow-private, or "
                "collect.allow_private).",
            )
        if server.tls == "none":
            allowed = [one for one in allowed if _is_loopback(one)] if self._policy.private else []
        if not allowed:
            raise SourceFailure(
                "tls",
                f"Passwords are not sent to {server.host} without TLS. Choose implicit TLS or "
                "STARTTLS; none is for servers on this computer only.",
            )
        return allowed[:MAX_ADDRESSES]

    # Small parts

    async def _reach(
        self, server: ServerSpec, sign_in: SignIn, reach: Callable[[_Way], Awaitable[T]]
    ) -> T:
        verifier = self._verifier(server)
        failure: LinkFailure | None = None
        for address in await self.addresses(server):
            way = _Way(
                address,
                verifier if server.tls == "implicit" else None,
                verifier if server.tls == "starttls" else None,
            )
            try:
                return await reach(way)
            except LinkFailure as caught:
                failure = caught
                if failure.stage != "connect":  # the next address is the same server
                    break
        assert failure is not None
        told = source_failure(failure, server.host, by_token=sign_in.grant is not None)
        raise _without_secrets(told, sign_in) from failure

    async def _look_up(self, host: str) -> list[str]:
        try:
            return [str(parse_peer(host))]
        except ValueError:
            pass
        if host.lower().removesuffix(".") == "localhost":
            return list(_LOCALHOST)
        try:
            found = await find_addresses(self._resolver, host)
        except BadDnsName as error:
            raise SourceFailure("address", f"{host} is no name of a server.") from error
        except DnsFailure as error:
            raise SourceFailure(
                "unreachable",
                f"The address of {host} could not be found out just now: {error} It is tried "
                "again by itself.",
            ) from error
        if not found:
            raise SourceFailure(
                "address", f"There is no server named {host}. Check how it is written."
            )
        return [str(parse_peer(one)) for one in found]

    def _may_go(self, address: str, port: int) -> bool:
        if not self._policy.allows(address, port):
            return False
        return self._policy.private or not self._is_own(address)

    def _verifier(self, server: ServerSpec) -> PeerVerifier:
        if self._context is None:
            self._context = verifying_context(self._authorities)
        return verified(self._context, server.host)


def credentials_of(server: ServerSpec, sign_in: SignIn) -> Credentials:
    """For SASL. Raises SourceFailure where an OAuth grant has brought no token yet."""
    if sign_in.password is not None:
        return Credentials(sign_in.login, sign_in.password)
    token = sign_in.grant.access_token if sign_in.grant is not None else None
    if token is None:
        raise SourceFailure(
            "consent",
            f"There is no permission yet to read {sign_in.login} at {server.host}. Sign in there "
            "(pillarbox collect sign-in).",
        )
    return Credentials(sign_in.login, Secret(b""), token=token, host=server.host, port=server.port)


def is_own_address(address: str) -> bool:
    """Whether packets to this address stay on this computer: then it is where they come from."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, _PROBE))  # chooses a way, and sends nothing
            return ip_address(probe.getsockname()[0]) == ip_address(address)
    except (OSError, ValueError):
        return False


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def _without_secrets(failure: SourceFailure, sign_in: SignIn) -> SourceFailure:
    """A server may repeat what it was sent: as it is, quoted (LOGIN), or in base64 (SASL)."""
    grant = sign_in.grant
    secrets = (sign_in.password,) if grant is None else (grant.access_token, grant.refresh_token)
    revealed = [one.reveal() for one in secrets if one is not None]
    hidden = [octets for octets in revealed if len(octets) >= _SHORTEST_SECRET]
    login = sign_in.login.encode()  # beside it stands the secret, cut or whole
    telling = [*hidden, login] if len(login) >= _SHORTEST_SECRET else hidden
    told = _BASE64.sub(lambda word: "…" if _holds(word[0], telling) else word[0], str(failure))
    for octets in hidden:
        text = octets.decode("utf-8", "replace")
        told = told.replace(text, "…")
        told = told.replace(text.replace("\\", "\\\\").replace('"', '\\"'), "…")
    return SourceFailure(failure.trouble, told, retry_after=failure.retry_after)


def _holds(word: str, telling: Iterable[bytes]) -> bool:
    """Whether this is one of them in base64."""
    octets = binascii.a2b_base64(word[: len(word) // 4 * 4])
    return any(one in octets for one in telling)
