"""The resolver: asks recursive servers, keeps what they say, asks nothing twice at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pillarbox.clock import Clock
from pillarbox.config.dns import DnsSettings
from pillarbox.dns.answer import MAX_CHAIN, Answer, Mx, Srv, Tlsa
from pillarbox.dns.cache import Cache, Cached, Key
from pillarbox.dns.errors import DnsFailure, Why
from pillarbox.dns.learn import ANY, learn, learn_failure
from pillarbox.dns.names import fold_name, reverse_name
from pillarbox.dns.servers import RESOLV_CONF, Health, ResolverList, Server, load_servers
from pillarbox.dns.transport import NoReply, ask
from pillarbox.dns.wire import Question, RdType
from pillarbox.telemetry import metrics
from pillarbox.telemetry.log import get_logger

log = get_logger("dns")

_FAILURES: dict[str, Why] = {"REFUSED": "refused", "NOTAUTH": "refused"}


class StubResolver:
    """A `Resolver` over the network. Bound to the event loop that first uses it."""

    def __init__(
        self, settings: DnsSettings, clock: Clock, *, resolv_conf: Path = RESOLV_CONF
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._resolv_conf = resolv_conf
        self._list = load_servers(settings) if settings.servers else None
        self._health = Health(settings.dead_seconds)
        self._cache = Cache(settings.cache_entries, settings.cache_octets)
        self._flights: dict[tuple[str, str], asyncio.Task[Mapping[Key, Cached]]] = {}
        self._slots = asyncio.Semaphore(settings.concurrent_questions)

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records, the character-strings of each joined."""
        return await self._resolve(fold_name(name), "TXT")

    async def mx(self, name: str) -> Answer[Mx]:
        """MX records by preference."""
        return await self._resolve(fold_name(name), "MX")

    async def a(self, name: str) -> Answer[str]:
        """IPv4 addresses."""
        return await self._resolve(fold_name(name), "A")

    async def aaaa(self, name: str) -> Answer[str]:
        """IPv6 addresses."""
        return await self._resolve(fold_name(name), "AAAA")

    async def ptr(self, address: str) -> Answer[str]:
        """Names of an IP address."""
        return await self._resolve(reverse_name(address), "PTR")

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        """TLSA records."""
        return await self._resolve(fold_name(name), "TLSA")

    async def srv(self, name: str) -> Answer[Srv]:
        """SRV records by priority."""
        return await self._resolve(fold_name(name), "SRV")

    async def cname(self, name: str) -> Answer[str]:
        """The name that this one is an alias of."""
        return await self._resolve(fold_name(name), "CNAME")

    def forget(self) -> None:
        """Empty the cache and read the list of servers anew."""
        self._cache.clear()
        self._list = None

    async def close(self) -> None:
        """End the questions under way."""
        flights = tuple(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _resolve(self, name: str, rdtype: RdType) -> Answer[Any]:
        learnt: Mapping[Key, Cached] = {}
        link, authentic, until, hops = name, True, float("inf"), 0
        while True:
            now = self._clock.monotonic()
            found, alias = self._find(learnt, link, rdtype, now)
            if found is None:
                learnt = {**learnt, **await self._fetch(link, rdtype)}
                continue
            if found.why is not None:
                raise DnsFailure(name, rdtype, found.why)
            authentic = authentic and found.authentic
            until = min(until, found.until)
            if not alias:
                ttl = max(0, int(until - now))
                return Answer(name, link, found.records, found.exists, authentic, ttl)
            link = found.records[0]
            hops += 1
            if hops > MAX_CHAIN:
                raise DnsFailure(name, rdtype, "too long chain")

    def _find(
        self, learnt: Mapping[Key, Cached], name: str, rdtype: RdType, now: float
    ) -> tuple[Cached | None, bool]:
        """What is known of a name and type, and whether that is an alias of another name.

        `learnt` is what this very question brought: it counts even if it may not be kept.
        """
        key: Key = name, rdtype
        found = learnt.get(key) or self._cache.find(key, now)
        if found is not None:
            return found, False
        if rdtype != "CNAME":
            key = name, "CNAME"
            found = learnt.get(key) or self._cache.find(key, now)
            if found is not None and found.records:
                return found, True
        key = name, ANY
        return learnt.get(key) or self._cache.find(key, now), False

    async def _fetch(self, name: str, rdtype: RdType) -> Mapping[Key, Cached]:
        """Ask, or wait for who has asked. A caller that gives up leaves the others their answer."""
        key = name, rdtype
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(name, rdtype))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)

    async def _fly(self, name: str, rdtype: RdType) -> Mapping[Key, Cached]:
        question = Question(name, rdtype)
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._settings.total_seconds), self._slots:
                learnt = await self._ask_servers(question)
        except TimeoutError:
            learnt = self._failure(question, "timeout")
        asked = learnt.get((name, rdtype))
        metrics.DNS_QUESTIONS.labels((asked and asked.why) or "answered").inc()
        metrics.DNS_SECONDS.observe(self._clock.monotonic() - started)
        for key, cached in learnt.items():
            self._cache.keep(key, cached)
        return learnt

    async def _ask_servers(self, question: Question) -> Mapping[Key, Cached]:
        """Each server up to `tries` times; one that said it cannot answer is not asked again."""
        listed = self._servers()
        left = listed.servers
        why: Why = "timeout"
        for _ in range(self._settings.tries):
            for server in self._health.order(left, self._clock.monotonic()):
                try:
                    reply = await ask(
                        server,
                        question,
                        dnssec=listed.trust_ad,
                        seconds=self._settings.try_seconds,
                    )
                except NoReply as failure:
                    why = failure.why
                    self._note(server, silent=failure.silent)
                    continue
                self._note(server, silent=False)
                if reply.rcode in ("NOERROR", "NXDOMAIN"):
                    now = self._clock.monotonic()
                    trust = listed.trust_ad
                    return learn(reply, question, now, self._settings, trust_ad=trust)
                why = _FAILURES.get(reply.rcode, "servfail")
                left = tuple(other for other in left if other != server)
        self._list = None  # the computer may have changed its network: read the list again
        return self._failure(question, why)

    def _servers(self) -> ResolverList:
        if self._list is None:
            self._list = load_servers(self._settings, self._resolv_conf)
        return self._list

    def _note(self, server: Server, *, silent: bool) -> None:
        if silent:
            if self._health.silent(server, self._clock.monotonic()):
                log.warning_event("dns.server_silent", server=server.host, port=server.port)
        else:
            self._health.answered(server)

    def _failure(self, question: Question, why: Why) -> Mapping[Key, Cached]:
        key = question.name, question.rdtype
        now = self._clock.monotonic()
        return {key: learn_failure(question, why, now, self._settings)}
