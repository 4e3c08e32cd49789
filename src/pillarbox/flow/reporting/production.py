"""Once a day for each domain that wants it: its report is made, and handed to the queue.

The rows of `report_due` are the plan. A worker leases some, makes them, and says in one write that
they were made and that their letters are in the queue: so none is lost, and none is sent twice.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from pillarbox.clock import unix_seconds
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.flow.reporting.letters import Letter, Post, compose_letter, keep_letter
from pillarbox.flow.reporting.observation import Wanted
from pillarbox.flow.reporting.sources import Reporter, enclose_dmarc, enclose_tls, report_id
from pillarbox.flow.reporting.timing import SETTLE_SECONDS, due_at, period
from pillarbox.ids import new_journey
from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.store.sql import reports, transport
from pillarbox.store.sql.reports import DAY, DueReport, SentReport
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import REPORTS
from pillarbox.trust.dmarc.record import ReportAddress
from pillarbox.trust.dmarc_report import find_destinations
from pillarbox.trust.tls_rpt.record import parse_record, record_name

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.config.reports import ReportSettings
    from pillarbox.dns.resolver import Resolver
    from pillarbox.flow.reporting.letters import Enclosed
    from pillarbox.store import Store, Transaction

    PostHttps = Callable[[str, bytes, str], Awaitable[Fetched]]  # url, body, media type

log = get_logger("reporting")

_AT_ONCE = 20  # reports that are leased together
_LEASE_SECONDS = 1800  # of which each may ask the DNS and an HTTPS server that are slow
_AGAIN_SECONDS = 3600
_MAX_ADDRESSES = 5  # of one domain that are written to
_TLS_DOMAINS = 1000  # planned in one write
_MAX_SESSIONS = 10_000  # kinds of TLS results in one report


class _NotNow(Exception):
    """What stands in the way may pass."""


class _Sendings(msgspec.Struct, frozen=True):
    outcome: str
    enclosed: Enclosed | None = None
    letters: tuple[Letter, ...] = ()
    destinations: tuple[str, ...] = ()
    ends_at: int = 0


class Producer:
    """`produce` now and then, in any number of processes."""

    def __init__(
        self,
        store: Store,
        settings: ReportSettings,
        clock: Clock,
        *,
        reporter: Reporter,
        resolver: Resolver,
        post: Post,
        post_https: PostHttps,
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._reporter = reporter
        self._resolver = resolver
        self._post = post
        self._post_https = post_https
        self._worker = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._planned = 0  # the day whose TLS reports were planned

    async def produce(self, *, with_today: bool = False) -> int:
        """Everything that is due; how many reports were sent. Raises Unavailable.

        `with_today`: also what was counted of the day that is not over.
        """
        await self._plan_tls()
        sent = 0
        while True:
            now = unix_seconds(self._clock.now())
            today = now // DAY
            gone = await self._store.read(partial(reports.sent_since, instant=today * DAY))
            room = min(_AT_ONCE, self._settings.max_a_day - gone)
            if room <= 0:
                return sent
            dues = await self._store.write(
                partial(
                    reports.lease,
                    worker=self._worker,
                    limit=room,
                    seconds=_LEASE_SECONDS,
                    today=today + with_today,
                )
            )
            for due in dues:
                sent += await self._make(due)
            if not dues:
                return sent

    async def hurry(self, *, with_today: bool = False) -> int:
        """Everything at once, whatever its time."""
        await self._plan_tls()
        today = unix_seconds(self._clock.now()) // DAY + with_today
        await self._store.write(partial(reports.hurry, today=today))
        return await self.produce(with_today=with_today)

    async def _plan_tls(self) -> None:
        """Rows for the domains with TLS results of the day before."""
        now = unix_seconds(self._clock.now())
        day = now // DAY - 1
        if not self._settings.tls or self._planned == day or now % DAY < SETTLE_SECONDS:
            return
        after = ""
        while True:
            domains = await self._store.read(
                partial(transport.result_domains, day=day, after=after, limit=_TLS_DOMAINS)
            )
            spread = self._settings.spread_seconds
            dues = [DueReport("tls", day, one, "", due_at(day, one, spread)) for one in domains]
            if dues:
                await self._store.write(partial(reports.plan, dues=dues))
                after = domains[-1]
            if len(domains) < _TLS_DOMAINS:
                break
        self._planned = day

    async def _make(self, due: DueReport) -> bool:
        """One report, made or put off; whether it was sent."""
        now = unix_seconds(self._clock.now())
        ends = (due.day + 1) * DAY + self._settings.spread_seconds
        is_late = now > ends + self._settings.give_up_hours * 3600
        try:
            if is_late:
                sendings = _Sendings("given up")
            else:
                sendings = await self._prepare(due, now)
        except (_NotNow, DnsFailure) as error:
            log.event("reporting.put_off", kind=due.kind, domain=due.domain, why=str(error))
            until = now + _AGAIN_SECONDS
            await self._store.write(
                partial(reports.put_off, due=due, worker=self._worker, until=until)
            )
            return False
        return await self._finish(due, sendings)

    async def _prepare(self, due: DueReport, now: int) -> _Sendings:
        before = await self._store.read(
            partial(reports.told_until, kind=due.kind, day=due.day, domain=due.domain)
        )
        times = period(due.day, now, before)
        try:
            if due.kind == "dmarc":
                return await self._prepare_dmarc(due, times)
            return await self._prepare_tls(due, times)
        except BadDnsName:
            return _Sendings("not wanted")

    async def _prepare_dmarc(self, due: DueReport, times: tuple[int, int]) -> _Sendings:
        if not self._settings.dmarc:
            return _Sendings("off")
        asked = msgspec.json.decode(due.policy, type=Wanted)
        found = await find_destinations(due.domain, asked.rua, self._resolver, _MAX_ADDRESSES)
        if not found:
            return _Sendings("not wanted")
        rows = await self._store.scan(
            partial(reports.rows_of, day=due.day, domain=due.domain, limit=self._settings.max_rows)
        )
        ident = self._ident(due, times[0])
        enclosed = enclose_dmarc(self._reporter, ident, asked, times, rows)
        return await self._address(enclosed, found, times[1])

    async def _prepare_tls(self, due: DueReport, times: tuple[int, int]) -> _Sendings:
        if not self._settings.tls:
            return _Sendings("off")
        answer = await self._resolver.txt(record_name(due.domain))
        wanted = parse_record(answer.records)
        if wanted is None:
            return _Sendings("not wanted")
        sessions = await self._store.scan(
            partial(transport.results, day=due.day, domain=due.domain, limit=_MAX_SESSIONS)
        )
        ident = self._ident(due, times[0])
        enclosed = enclose_tls(self._reporter, ident, due.domain, times, sessions)
        addresses = [ReportAddress(f"mailto:{one}", one, None) for one in wanted.mailto]
        sendings = await self._address(enclosed, addresses, times[1])
        taken = [url for url in wanted.https if await self._upload(url, enclosed)]
        if not sendings.letters and not taken:
            if wanted.https:
                raise _NotNow("no HTTPS server took the report")
            return sendings
        return msgspec.structs.replace(
            sendings, outcome="sent", destinations=(*sendings.destinations, *taken)
        )

    async def _upload(self, url: str, enclosed: Enclosed) -> bool:
        """RFC 8460 §5.4."""
        try:
            answer = await self._post_https(url, enclosed.packed, enclosed.media_type)
        except FetchFailed as failure:
            log.event("reporting.not_taken", url=url, why=str(failure))
            return False
        if not 200 <= answer.status < 300:
            log.event("reporting.not_taken", url=url, status=answer.status)
        return 200 <= answer.status < 300

    async def _address(
        self,
        enclosed: Enclosed,
        addresses: tuple[ReportAddress, ...] | list[ReportAddress],
        end: int,
    ) -> _Sendings:
        """A letter to each address that takes one of this size (RFC 7489 §7.2.1)."""
        letters, reached = [], []
        is_too_large = False
        for one in addresses:
            octets = await self._post.sign(
                compose_letter(
                    enclosed,
                    contact=self._reporter.contact,
                    to=one.address,
                    at=self._clock.now(),
                )
            )
            if one.max_octets is not None and len(octets) > one.max_octets:
                is_too_large = True
                continue
            letter = await self._post.write(one.address, octets, new_journey())
            if letter is not None:
                letters.append(letter)
                reached.append(one.address)
        outcome = "sent" if letters else "too large" if is_too_large else "nobody there"
        return _Sendings(outcome, enclosed, tuple(letters), tuple(reached), end)

    async def _finish(self, due: DueReport, sendings: _Sendings) -> bool:
        enclosed = sendings.enclosed
        sent = SentReport(
            kind=due.kind,
            day=due.day,
            domain=due.domain,
            report_id=enclosed.report_id if enclosed is not None else "",
            outcome=sendings.outcome,
            destinations=sendings.destinations,
            octets=len(enclosed.packed) if enclosed is not None else 0,
            ends_at=sendings.ends_at,
        )

        async def write(tx: Transaction) -> bool:
            if not await reports.finish(tx, self._worker, sent):
                return False
            for letter in sendings.letters:
                await keep_letter(tx, letter)
            return True

        if not await self._store.write(write):
            return False
        REPORTS.labels(due.kind, sendings.outcome.replace(" ", "-")).inc()
        log.event(
            "reporting.made",
            kind=due.kind,
            domain=due.domain,
            outcome=sendings.outcome,
            destinations=list(sendings.destinations) or None,
            octets=sent.octets or None,
        )
        return sendings.outcome == "sent"

    def _ident(self, due: DueReport, begin: int) -> str:
        return report_id(self._reporter.contact, due.kind, due.domain, begin)
