"""The way to a destination, host by host and address by address, until one can be spoken with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from pillarbox.dns.errors import DnsFailure
from pillarbox.flow.outbound.memory import Marks
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.outbound.places import Places
from pillarbox.flow.outbound.pool import Line
from pillarbox.flow.outbound.remotes import RemoteLines, connect, parse_remote_key
from pillarbox.flow.outbound.results import TlsResults
from pillarbox.flow.outbound.route import Host, Hosts, NoWay, loops
from pillarbox.flow.outbound.security import (
    HostPlan,
    Protection,
    Security,
    Unprotected,
    failure_type,
)
from pillarbox.ids import AccountId, RemoteId
from pillarbox.net.networks import parse_peer
from pillarbox.net.outgoing.peer_tls import PeerVerifier
from pillarbox.sasl.client import Credentials
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.telemetry.log import get_logger
from pillarbox.trust.mta_sts.policy import Policy
from pillarbox.trust.tls_rpt.report import ResultType
from pillarbox.trust.tls_rpt.tally import SessionResult

_NO_ADDRESS = "5.4.4"  # RFC 3463 §3.5: unable to route
_ENCRYPTION_NEEDED = "5.7.10"  # RFC 8689 §4.2.1
_REQUIRETLS_NEEDED = "5.7.30"
_NOT_PROTECTED = "4.7.5"  # RFC 3463 §3.8: cryptographic failure
_DNS_FAILED = "4.4.3"
_AUTH_FAILED = "4.7.8"

log = get_logger("outbound")


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """What all approaches use."""

    caller: Caller
    places: Places
    security: Security
    results: TlsResults
    refused: Marks  # addresses that could not be reached lately
    no_tls: Marks  # … with which TLS could not be agreed upon
    credentials: Mapping[str, Credentials]  # by route
    max_addresses: int
    remotes: RemoteLines | None = None  # None: nothing leaves through other providers' servers


class Trouble(msgspec.Struct, frozen=True):
    """Why a host could not be used."""

    kind: Kind
    status: str
    text: str  # the reply verbatim, or a sentence of ours
    remote_mta: str = ""  # where a server said so
    only_message: bool = False  # others may go there: this one demands more


class NoLine(Exception):
    """No host is left; what counts is the last thing that a server said, else the last trouble."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


class Approach:
    """One attempt's way through the hosts of a destination; `next` goes on where it stopped."""

    def __init__(self, means: Means, key: str, *, strict: bool) -> None:
        """`strict`: for a message with REQUIRETLS."""
        self._means = means
        self._key = key
        self._strict = strict
        self._troubles: list[Trouble] = []
        self._lines = self._walk()

    async def next(self) -> Line:
        """A connection to the next host that takes one. Raises NoLine."""
        async for line in self._lines:
            return line
        raise NoLine(_summary(self._troubles, self._key))

    async def close(self) -> None:
        """No more of it is wanted."""
        await self._lines.aclose()

    def note(self, trouble: Trouble) -> None:
        """A connection from here broke off later."""
        self._troubles.append(trouble)

    async def _walk(self) -> AsyncGenerator[Line, None]:
        means = self._means
        remote = parse_remote_key(self._key)
        if remote is not None:
            line = await self._open_remote(remote)
            if line is not None:
                yield line
            return
        try:
            hosts = await means.places.hosts(self._key)
        except NoWay as no_way:
            raise NoLine(Trouble(no_way.kind, no_way.status, str(no_way))) from no_way
        policy = await means.security.policy(hosts)
        limit = hosts.hosts[-1].preference + 1  # below that of any host that turned out to be ours
        tried = 0
        async for host, address, plan in self._candidates(hosts, policy):
            if tried >= means.max_addresses:
                return
            if host.preference >= limit:
                continue
            tried += 1
            try:
                line = await self._open(hosts, host, address, plan)
            except _Ours:
                limit = host.preference
                self._troubles.append(_trouble_of(loops(hosts.domain)))
            except ClientFailure as failure:
                self._failed(host, address, failure)
            else:
                if line is not None:
                    yield line

    async def _candidates(
        self, hosts: Hosts, policy: Policy | None
    ) -> AsyncGenerator[tuple[Host, str, HostPlan], None]:
        """Hosts with their addresses; those that failed lately come last."""
        last: list[tuple[Host, str, HostPlan]] = []
        for host in hosts.hosts:
            try:
                addresses = await self._means.places.addresses(hosts, host)
                plan = await self._means.security.plan(hosts, host, policy, strict=self._strict)
            except NoWay as no_way:
                self._troubles.append(_trouble_of(no_way))
                continue
            except DnsFailure as failure:
                why = f"{host.name} cannot be looked up ({failure.why})."
                self._troubles.append(Trouble(Kind.LATER, _DNS_FAILED, why))
                continue
            except Unprotected as unprotected:
                self._unprotected(host, unprotected)
                continue
            if not addresses:
                why = f"{host.name} has no address."
                self._troubles.append(Trouble(Kind.FAILED, _NO_ADDRESS, why))
            for address in addresses:
                if hosts.domain and await self._means.places.is_ours(address, host.port):
                    self._troubles.append(_trouble_of(loops(hosts.domain)))
                    last = [one for one in last if one[0].preference < host.preference]
                    for one in last:
                        yield one
                    return
                if f"{address} {host.port}" in self._means.refused:
                    last.append((host, address, plan))
                else:
                    yield host, address, plan
        for one in last:
            yield one

    async def _open(self, hosts: Hosts, host: Host, address: str, plan: HostPlan) -> Line | None:
        """Raises ClientFailure and _Ours; None where the host does not do for this message."""
        means = self._means
        ways = list(plan.ways)
        name = f"{address} {host.port}"
        if len(ways) > 1 and name in means.no_tls:
            ways = ways[-1:]
        if plan.defect is not None:
            self._note(plan, host, address, plan.defect)
        while True:
            way = ways.pop(0)
            try:
                connection = await self._converse(
                    hosts, host, address, way, plain_will_do=_is_plain(ways[-1:])
                )
                break
            except _TlsFailed as failed:
                self._note(plan, host, address, failed.result, failed)
                if not ways:
                    raise failed.failure from failed
                if _is_plain(ways[:1]):
                    means.no_tls.put(name)
        if connection.tls is None and way.verifier is not None:
            self._note(plan, host, address, "starttls-not-supported")
        elif way is plan.ways[0] and way.verifier is not None and plan.defect is None:
            self._note(plan, host, address, None)
        means.refused.clear(name)
        return await self._fit(connection, host, trusted=way.trusted)

    async def _open_remote(self, remote: tuple[AccountId, RemoteId]) -> Line | None:
        """The one server of a remote account. Raises NoLine."""
        try:
            host, connection = await connect(self._means.remotes, remote, self._means.caller)
        except NoWay as no_way:
            raise NoLine(_trouble_of(no_way)) from no_way
        return await self._fit(connection, host, trusted=connection.tls is not None)

    async def _fit(self, connection: SmtpConnection, host: Host, *, trusted: bool) -> Line | None:
        """None where the host does not do for this message; `trusted`: it is who it says."""
        trusted = trusted and connection.capabilities.requiretls
        if self._strict and not trusted:
            await connection.quit()
            why = f"{host.name} does not promise TLS from there on (REQUIRETLS)."
            self._troubles.append(Trouble(Kind.FAILED, _REQUIRETLS_NEEDED, why, only_message=True))
            return None
        return Line(connection, host, trusted)

    async def _converse(
        self, hosts: Hosts, host: Host, address: str, way: Protection, *, plain_will_do: bool
    ) -> SmtpConnection:
        """Connect, TLS, sign in. Raises ClientFailure, _TlsFailed, _Ours."""
        means = self._means
        implicit = way.verifier if way.implicit else None
        try:
            connection = await SmtpConnection.open(
                means.caller,
                address,
                host.port,
                source=means.places.source(address),
                implicit_tls=implicit,
            )
        except ClientFailure as failure:
            if failure.stage == "tls":
                raise _TlsFailed(failure, way) from failure
            raise
        if hosts.domain and connection.server_name.lower() == means.places.hostname:
            connection.close()
            raise _Ours
        wanted = way.verifier if implicit is None else None
        if wanted is not None and (connection.capabilities.starttls or not plain_will_do):
            await _secure(connection, way, wanted)
        if hosts.login:
            local = parse_peer(address).is_loopback
            await connection.authenticate(means.credentials[hosts.login], in_the_clear=local)
        return connection

    def _failed(self, host: Host, address: str, failure: ClientFailure) -> None:
        if failure.stage in ("connect", "greeting", "ehlo"):
            self._means.refused.put(f"{address} {host.port}")
        if failure.stage == "auth":  # our configuration's fault, not the message's
            log.warning_event("outbound.sign_in_failed", host=host.name, why=failure.why)
            trouble = msgspec.structs.replace(
                trouble_of_failure(failure, host.name), kind=Kind.LATER, status=_AUTH_FAILED
            )
            self._troubles.append(trouble)
        elif self._strict and failure.stage in ("starttls", "tls"):
            self._troubles.append(
                Trouble(Kind.FAILED, _ENCRYPTION_NEEDED, failure.why, only_message=True)
            )
        else:
            self._troubles.append(trouble_of_failure(failure, host.name))

    def _unprotected(self, host: Host, unprotected: Unprotected) -> None:
        if unprotected.session is not None:
            result: ResultType = "certificate-host-mismatch"
            self._means.results.note(SessionResult(unprotected.session, result, mx_host=host.name))
        if unprotected.required:
            trouble = Trouble(Kind.FAILED, _ENCRYPTION_NEEDED, str(unprotected), only_message=True)
        else:
            trouble = Trouble(Kind.LATER, _NOT_PROTECTED, str(unprotected))
        self._troubles.append(trouble)

    def _note(
        self,
        plan: HostPlan,
        host: Host,
        address: str,
        result: ResultType | None,
        failed: _TlsFailed | None = None,
    ) -> None:
        if plan.session is None:
            return
        self._means.results.note(
            SessionResult(
                plan.session,
                result,
                sending_ip=failed.own_address if failed is not None else "",
                mx_host=host.name if result else "",
                mx_helo=failed.helo if failed is not None else "",
                receiving_ip=address if result else "",
                reason=failed.why if failed is not None else "",
            )
        )


class _Ours(Exception):
    """The other end is this server."""


class _TlsFailed(Exception):
    def __init__(
        self, failure: ClientFailure, way: Protection, helo: str = "", own_address: str = ""
    ) -> None:
        super().__init__(failure.why)
        self.failure = failure
        self.result = failure_type(failure, way)
        self.why = (way.dane.why if way.dane is not None else "") or failure.why
        self.helo = helo
        self.own_address = own_address


def _is_plain(ways: Sequence[Protection]) -> bool:
    return bool(ways) and ways[0].verifier is None


async def _secure(connection: SmtpConnection, way: Protection, verifier: PeerVerifier) -> None:
    """STARTTLS. Raises _TlsFailed."""
    helo, own_address = connection.server_name, connection.own_address
    try:
        await connection.start_tls(verifier)
    except ClientFailure as failure:
        raise _TlsFailed(failure, way, helo, own_address) from failure


def trouble_of_failure(failure: ClientFailure, name: str) -> Trouble:
    """A connection that ended, as an outcome tells it."""
    reply = failure.reply
    return Trouble(
        Kind.LATER if failure.temporary else Kind.FAILED,
        failure.status,
        reply.verbatim if reply is not None else failure.why,
        name if reply is not None else "",
    )


def _trouble_of(no_way: NoWay) -> Trouble:
    return Trouble(no_way.kind, no_way.status, str(no_way))


def _summary(troubles: list[Trouble], key: str) -> Trouble:
    """It may work later as long as one host's trouble may pass."""
    if not troubles:
        return Trouble(Kind.LATER, "4.4.4", f"There is no server to go to for {key}.")
    passing = [one for one in troubles if one.kind is Kind.LATER] or troubles
    said = [one for one in passing if one.remote_mta] or passing
    return said[-1]
