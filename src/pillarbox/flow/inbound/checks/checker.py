"""All checks of a message at once, under one deadline. A check that cannot be made is a fact, too.

They begin when the message is there, not at MAIL: most mail that nobody wants is refused at RCPT,
and then no question was asked for it. DNS lists that refuse are asked at RCPT.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pillarbox.flow.inbound.checks.authors import find_authors
from pillarbox.flow.inbound.checks.null_mx import has_null_mx
from pillarbox.flow.inbound.facts import Authors, TrustFacts
from pillarbox.message.header import header_end
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import FAULTS
from pillarbox.trust.arc import ArcResult, verify_chain
from pillarbox.trust.dkim import DkimResult, verify
from pillarbox.trust.dmarc import DmarcResult, evaluate
from pillarbox.trust.dnsbl import Listing, check_dnsbl
from pillarbox.trust.iprev import IprevResult, check_iprev
from pillarbox.trust.spf import SpfResult, check_helo, check_host

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.message.part import Octets

log = get_logger("inbound")
T = TypeVar("T")

_LATE = "not done in time"
_SIGNED = re.compile(rb"^dkim-signature[ \t]*:", re.IGNORECASE | re.MULTILINE)
_SEALED = re.compile(rb"^arc-", re.IGNORECASE | re.MULTILINE)


class _Message(Struct, frozen=True):
    """What the checks look at."""

    envelope: Envelope
    octets: Octets
    raw_header: bytes
    authors: Authors


class _Check(Struct):
    """One that runs, and what stands for its result when there is none."""

    name: str
    task: asyncio.Task[Any]
    without: Callable[[str], Any]  # from the reason


class Checker:
    """Asks the DNS about clients and messages."""

    def __init__(
        self, resolver: Resolver, settings: TrustSettings, *, hostname: str, clock: Clock
    ) -> None:
        self._resolver = resolver
        self._settings = settings
        self._hostname = hostname
        self._clock = clock
        self._places = asyncio.Semaphore(settings.concurrent_checks)
        self._refusing = tuple(zone for zone in settings.dnsbl if zone.action == "reject")
        self._junking = tuple(zone for zone in settings.dnsbl if zone.action == "junk")

    async def check_client(self, ip: str) -> tuple[Listing, ...]:
        """The lists that refuse this client; none where they do not answer in time."""
        if not self._refusing:
            return ()
        found: tuple[Listing, ...]
        (found,) = await self._all([self._listings(ip, self._refusing)], self._deadline())
        return found

    async def check_message(self, envelope: Envelope, octets: Octets, size: int) -> TrustFacts:
        """All facts; returns within the time that the settings give, whatever the DNS does."""
        # All of it, which the caller has found to be of a sane length: a From further down counts.
        raw_header = octets[: header_end(octets, 0, size)]
        message = _Message(envelope, octets, raw_header, find_authors(raw_header))
        deadline = self._deadline()
        if not await self._take_place(deadline):
            return _nothing_known(message)
        try:
            return await self._check(message, deadline)
        finally:
            self._places.release()

    async def _check(self, message: _Message, deadline: float) -> TrustFacts:
        unknown = _nothing_known(message)
        checks = self._begin_all(message, unknown)
        names = [check.name for check in checks]
        found = dict(zip(names, await self._all(checks, deadline), strict=True))
        facts = replace(
            unknown,
            iprev=found["iprev"],
            spf=found["spf"],
            helo_spf=found.get("helo"),
            dkim=found.get("dkim", ()),
            arc=found.get("arc", unknown.arc),
            listings=found.get("dnsbl", ()),
            has_null_mx=found.get("null_mx", False),
        )
        if not facts.authors.domains:
            return facts
        return replace(facts, dmarc=await self._check_dmarc(facts, deadline))

    async def _check_dmarc(self, facts: TrustFacts, deadline: float) -> DmarcResult:
        """Last, since it judges by the others' results."""
        domains, settings = facts.authors.domains, self._settings
        try:
            async with asyncio.timeout_at(deadline):
                return await evaluate(domains, facts.spf, facts.dkim, self._resolver, settings)
        except TimeoutError:
            return facts.dmarc
        except Exception as error:
            _tell_fault("dmarc", error)
            return facts.dmarc

    def _begin_all(self, message: _Message, unknown: TrustFacts) -> list[_Check]:
        """All that does not need another's result."""
        resolver, settings, now = self._resolver, self._settings, self._clock.now()
        ip, helo, reverse_path = unknown.peer, unknown.helo, unknown.reverse_path
        us = self._hostname
        iprev = check_iprev(ip, resolver)
        spf = check_host(ip, helo, reverse_path, resolver, settings, receiver=us, now=now)
        checks = [
            _begin("iprev", iprev, lambda why: IprevResult("temperror", "", why)),
            _begin("spf", spf, lambda why: unknown.spf),
        ]
        if reverse_path:
            by_name = check_helo(ip, helo, resolver, settings, receiver=us, now=now)
            checks.append(_begin("helo", by_name, lambda why: None))
            null_mx = has_null_mx(reverse_path, resolver)
            checks.append(_begin("null_mx", null_mx, lambda why: False))
        if _SIGNED.search(message.raw_header):
            dkim = verify(message.octets, resolver, now, settings)
            checks.append(_begin("dkim", dkim, lambda why: (DkimResult("temperror", why=why),)))
        if _SEALED.search(message.raw_header):
            arc = verify_chain(message.octets, resolver, now, settings)
            checks.append(_begin("arc", arc, lambda why: ArcResult("temperror", why=why)))
        if self._junking:
            checks.append(self._listings(ip, self._junking))
        return checks

    def _listings(self, ip: str, zones: tuple[Any, ...]) -> _Check:
        return _begin("dnsbl", check_dnsbl(ip, zones, self._resolver), lambda why: ())

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._settings.seconds

    async def _take_place(self, deadline: float) -> bool:
        if not self._places.locked():
            await self._places.acquire()
            return True
        try:
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        except TimeoutError:
            return False
        return True

    async def _all(self, checks: list[_Check], deadline: float) -> list[Any]:
        """All results, what is late at the deadline by its substitute."""
        tasks = [check.task for check in checks]
        left = max(deadline - asyncio.get_running_loop().time(), 0.0)
        try:
            await asyncio.wait(tasks, timeout=left)
        finally:
            for task in tasks:
                task.cancel()  # of no effect on those that are done
        return [_result(check) for check in checks]


def _begin(name: str, check: Coroutine[Any, Any, T], without: Callable[[str], T | None]) -> _Check:
    return _Check(name, asyncio.get_running_loop().create_task(check), without)


def _result(check: _Check) -> Any:
    task = check.task
    if not task.done() or task.cancelled():
        return check.without(_LATE)
    error = task.exception()
    if error is None:
        return task.result()
    # A bug of ours must not keep mail out, and must be seen.
    _tell_fault(check.name, error)
    return check.without("our check failed")


def _tell_fault(check: str, error: BaseException) -> None:
    FAULTS.labels("inbound").inc()
    log.error_event("inbound.check_failed", exc=error, check=check)


def _nothing_known(message: _Message) -> TrustFacts:
    """What is said when there is no time for any check."""
    origin, authors = message.envelope.origin, message.authors
    reverse_path = message.envelope.sender.reverse_path
    domain = reverse_path.rpartition("@")[2] if reverse_path else origin.helo
    dmarc = DmarcResult("permerror", "", why="From names no domain")
    if authors.domains:
        dmarc = DmarcResult("temperror", authors.domains[0], why=_LATE)
    return TrustFacts(
        peer=origin.peer,
        helo=origin.helo,
        reverse_path=reverse_path,
        authors=authors,
        iprev=IprevResult("temperror", why=_LATE),
        spf=SpfResult("temperror", domain, "mfrom" if reverse_path else "helo", why=_LATE),
        dmarc=dmarc,
    )
