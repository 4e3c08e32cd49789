"""One worker's part in reports: all count, one of them makes reports and reads those of others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings
from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.resolver import Resolver
from pillarbox.errors import PillarboxError
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.reporting.letters import Post
from pillarbox.flow.reporting.production import Producer
from pillarbox.flow.reporting.reading import ReportReader
from pillarbox.flow.reporting.sources import Reporter
from pillarbox.flow.reporting.witness import DmarcWitness
from pillarbox.net.https import Fetched, FetchFailed, Limits, post
from pillarbox.store import Store
from pillarbox.store.sql import reports
from pillarbox.store.sql.reports import DAY
from pillarbox.telemetry.log import get_logger

log = get_logger("node")

HTTPS_LIMITS = Limits(max_octets=64 * 1024, seconds=60.0)  # nobody reads the answer's body


def contact_of(settings: Settings) -> str:
    """The address that reports come from; "" where they cannot come from anywhere."""
    contact = settings.reports.contact or f"postmaster@{hostname_of(settings)}"
    local, _, domain = contact.rpartition("@")
    return contact if local and "." in domain.strip(".") else ""


def make_producer(
    settings: Settings, store: Store, resolver: Resolver, clock: Clock
) -> Producer | None:
    """None where no reports are to be sent."""
    contact = contact_of(settings)
    if not contact or not (settings.reports.dmarc or settings.reports.tls):
        return None
    hostname = hostname_of(settings)
    resolve = partial(find_addresses, resolver)

    async def upload(url: str, body: bytes, media_type: str) -> Fetched:
        if settings.outbound.transport != "smtp":
            raise FetchFailed("unreachable", "Nothing leaves this server (outbound.transport).")
        return await post(url, body, media_type, limits=HTTPS_LIMITS, resolve=resolve)

    return Producer(
        store,
        settings.reports,
        clock,
        reporter=Reporter(settings.reports.organization or hostname, contact),
        resolver=resolver,
        post=Post(store, Directory(store), Signer(SigningKeys(store), clock, hostname), contact),
        post_https=upload,
    )


def make_report_reader(settings: Settings, store: Store, clock: Clock) -> ReportReader | None:
    """None where no address for reports is set."""
    if not settings.reports.addresses:
        return None
    return ReportReader(store, Directory(store), settings.reports, clock)


class Reporting:
    """`start` on the loop, `stop` before the store closes."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        resolver: Resolver,
        clock: Clock,
        *,
        sweeps: bool,
    ) -> None:
        """`sweeps`: this worker is the one that makes and reads reports."""
        self._settings = settings.reports
        self._store = store
        self._clock = clock
        producer = make_producer(settings, store, resolver, clock)
        self.witness: DmarcWitness | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._turns: list[tuple[float, Callable[[], Awaitable[object]]]] = []
        if producer is not None and settings.reports.dmarc:
            self.witness = DmarcWitness(store, settings.reports, clock)
            self._turns.append((settings.reports.flush_seconds, self.witness.flush))
        if not sweeps:
            return
        seconds = settings.reports.round_seconds
        if producer is not None:
            self._turns.append((seconds, producer.produce))
        reader = make_report_reader(settings, store, clock)
        if reader is not None:
            self._turns.append((seconds, reader.read))
        self._turns.append((DAY / 4, self._forget))

    def start(self) -> None:
        """Begin."""
        self._tasks = [
            asyncio.create_task(self._repeat(seconds, work), name="reporting")
            for seconds, work in self._turns
        ]

    async def stop(self) -> None:
        """End, and write what was counted."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.witness is not None:
            with contextlib.suppress(PillarboxError):
                await self.witness.flush()

    async def _repeat(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await self._clock.sleep(seconds)
            try:
                await work()
            except PillarboxError as error:
                log.warning_event("node.reporting_failed", why=str(error))
            except Exception:
                log.error_event("node.reporting_failed", exc=True)

    async def _forget(self) -> None:
        before = unix_seconds(self._clock.now()) - self._settings.keep_days * DAY
        await self._store.write(partial(reports.forget, before=before))
