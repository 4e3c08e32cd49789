"""How a connection to one host is protected: by the route, DANE, MTA-STS, or as well as can be.

DANE comes before MTA-STS where both are there (RFC 8461 §2). A host for which protection is
promised gets mail with it or not at all; all others get TLS where it can be had (RFC 7435).
"""

from __future__ import annotations

import ssl
from functools import cached_property
from pathlib import Path

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.outbound import OutboundSettings
from pillarbox.dns.resolver import Resolver
from pillarbox.errors import PillarboxError
from pillarbox.flow.outbound.policies import PolicyBook
from pillarbox.flow.outbound.route import Host, Hosts
from pillarbox.net.outgoing.peer_tls import (
    PeerNotTrusted,
    PeerVerifier,
    opportunistic_context,
    unverified,
    verified,
    verifying_context,
)
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.trust.dane.lookup import DaneHost, find_dane, reference_names
from pillarbox.trust.dane.records import encode_tlsa
from pillarbox.trust.dane.verify import verify_chain
from pillarbox.trust.mta_sts.policy import Policy, matches
from pillarbox.trust.tls_rpt.report import ResultType
from pillarbox.trust.tls_rpt.tally import SessionPolicy

MAX_STRINGS = 20  # lines of a policy in a result; more make no report better


class Unprotected(PillarboxError):
    """A host cannot get the protection that is demanded. `required`: the message demands it."""

    def __init__(
        self, why: str, *, required: bool = False, session: SessionPolicy | None = None
    ) -> None:
        super().__init__(why)
        self.required = required
        self.session = session


class Protection(msgspec.Struct, frozen=True):
    """One way to speak with a host."""

    verifier: PeerVerifier | None = None  # None: in the clear
    implicit: bool = False  # TLS from the first octet
    trusted: bool = False  # we know by whom it is heard: fit for REQUIRETLS
    dane: DaneCheck | None = None


class HostPlan(msgspec.Struct, frozen=True):
    """The ways to speak with one host, the best first; the next where TLS fails."""

    ways: tuple[Protection, ...]
    session: SessionPolicy | None = None  # what TLS reports say we went by; None: no report
    defect: ResultType | None = None  # of the policy itself


class DaneCheck:
    """Compares a peer's chain with TLSA records, and remembers how that went."""

    def __init__(self, found: DaneHost, names: tuple[str, ...], clock: Clock) -> None:
        self._found = found
        self._names = names
        self._clock = clock
        self.result: ResultType | None = None
        self.why = ""

    def __call__(self, chain: tuple[bytes, ...]) -> str:
        """The name that was verified. Raises PeerNotTrusted."""
        result = verify_chain(chain, self._found.usable, self._names, self._clock.now())
        if not result.verified:
            self.result = result.result or "validation-failure"
            self.why = result.why
            raise PeerNotTrusted
        return self._found.base


class Security:
    """What every host of every destination is met with."""

    def __init__(
        self,
        settings: OutboundSettings,
        resolver: Resolver,
        policies: PolicyBook | None,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self._policies = policies
        self._clock = clock

    async def policy(self, hosts: Hosts) -> Policy | None:
        """The MTA-STS policy of a destination; fixed routes and bare addresses have none."""
        if self._policies is None or not hosts.domain or hosts.domain.startswith("["):
            return None
        return await self._policies.find(hosts.domain)

    async def plan(
        self, hosts: Hosts, host: Host, policy: Policy | None, *, strict: bool
    ) -> HostPlan:
        """How to speak with a host. `strict`: the message has REQUIRETLS (RFC 8689 §4.2.1).

        Raises Unprotected, and DnsFailure where it cannot be known whether DANE applies.
        """
        if not hosts.domain:
            return self._fixed(hosts, host, strict)
        if self._settings.dane and hosts.authentic and not host.literal:
            found = await find_dane(host.name, host.port, self._resolver)
            if found is not None:
                return self._dane(hosts, host, found, strict)
        if policy is not None and policy.mode != "none":
            return self._sts(hosts, host, policy, strict)
        session = SessionPolicy(hosts.domain, "no-policy-found")
        if not strict:
            return HostPlan((self._any(host), Protection()), session)
        if not (hosts.authentic or hosts.implicit):
            why = f"Nothing vouches for {host.name} being the mail server of {hosts.domain}."
            raise Unprotected(why, required=True)
        return HostPlan((self._verified(host),), session)

    def _fixed(self, hosts: Hosts, host: Host, strict: bool) -> HostPlan:
        """As the route demands."""
        implicit = hosts.tls == "implicit"
        if implicit or strict or hosts.tls == "verified":
            if hosts.tls == "none":
                raise Unprotected("The route to the next server is without TLS.", required=True)
            best = self._verified(host, hosts.tls_name)
            return HostPlan((msgspec.structs.replace(best, implicit=implicit),))
        if hosts.tls == "none":
            return HostPlan((Protection(),))
        if hosts.tls == "encrypted":
            return HostPlan((self._any(host),))
        return HostPlan((self._any(host), Protection()))

    def _dane(self, hosts: Hosts, host: Host, found: DaneHost, strict: bool) -> HostPlan:
        strings = tuple(encode_tlsa(record) for record in found.records[:MAX_STRINGS])
        session = SessionPolicy(hosts.domain, "tlsa", strings, (host.name,))
        if not found.usable:  # RFC 7672 §2.2: TLS is demanded, though nobody can be checked
            way = self._verified(host) if strict else self._any(host, found.base)
            return HostPlan((way,), session, "tlsa-invalid")
        names = reference_names(
            found.base, hosts.domain, hosts.canonical or hosts.domain, mx_authentic=hosts.authentic
        )
        check = DaneCheck(found, names, self._clock)
        verifier = PeerVerifier(self._unverifying, found.base, check)
        return HostPlan((Protection(verifier, trusted=True, dane=check),), session)

    def _sts(self, hosts: Hosts, host: Host, policy: Policy, strict: bool) -> HostPlan:
        strings = policy.strings()[:MAX_STRINGS]
        session = SessionPolicy(hosts.domain, "sts", strings, policy.mx[:MAX_STRINGS])
        if matches(policy, host.name):
            best = self._verified(host)
            if strict or policy.mode == "enforce":
                return HostPlan((best,), session)
            return HostPlan((best, self._any(host), Protection()), session)
        if strict or policy.mode == "enforce":
            why = f"{host.name} is not among the servers that {hosts.domain} names by MTA-STS."
            raise Unprotected(why, required=strict and policy.mode != "enforce", session=session)
        return HostPlan((self._any(host), Protection()), session, "certificate-host-mismatch")

    def _any(self, host: Host, name: str = "") -> Protection:
        return Protection(unverified(self._unverifying, name or host.literal or host.name))

    def _verified(self, host: Host, name: str = "") -> Protection:
        asked = name or host.literal or host.name
        return Protection(verified(self._verifying, asked), trusted=True)

    @cached_property
    def _unverifying(self) -> ssl.SSLContext:
        return opportunistic_context()

    @cached_property
    def _verifying(self) -> ssl.SSLContext:
        authorities = self._settings.authorities
        return verifying_context(Path(authorities) if authorities else None)


def failure_type(failure: ClientFailure, way: Protection) -> ResultType:
    """What a failure of TLS is called in reports (RFC 8460 §4.3)."""
    if way.dane is not None and way.dane.result is not None:
        return way.dane.result
    return failure.tls_trouble or "validation-failure"
