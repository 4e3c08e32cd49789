"""The queue's `Sender`: chooses the way, keeps connections, sends, and reports each outcome."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock
from pillarbox.config.outbound import OutboundSettings
from pillarbox.dns.resolver import Resolver
from pillarbox.flow.outbound.approach import Means
from pillarbox.flow.outbound.directory import DirectoryTransport
from pillarbox.flow.outbound.memory import Marks
from pillarbox.flow.outbound.outcome import Destination, Job, Outcome, Report
from pillarbox.flow.outbound.pace import Pace
from pillarbox.flow.outbound.places import Places
from pillarbox.flow.outbound.policies import Fetch, PolicyBook, https_fetch
from pillarbox.flow.outbound.pool import Pool
from pillarbox.flow.outbound.remotes import RemoteLines, remote_key
from pillarbox.flow.outbound.results import TlsResults
from pillarbox.flow.outbound.route import Router, Shuffle
from pillarbox.flow.outbound.security import Security
from pillarbox.flow.outbound.trip import Tracks, Trip
from pillarbox.net.outgoing.connector import Connector, TcpConnector
from pillarbox.sasl.client import Credentials
from pillarbox.smtp.client.connection import Caller
from pillarbox.store import Store
from pillarbox.store.model import LeasedMessage, LeasedRecipient

SERVED_SECONDS = 2.0  # for which it is believed whether a domain is ours
SERVED_DOMAINS = 10_000  # about which that is remembered


class Home(Protocol):
    """Delivers to our own people what came by way of the queue."""

    async def deliver(self, job: Job) -> list[Outcome]:
        """An outcome for each recipient; all are in domains that we serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a sender is given; what has a default is for tests, or for what is not there."""

    store: Store
    resolver: Resolver
    clock: Clock
    hostname: str
    home: Home | None = None  # None: nothing is delivered here
    credentials: Mapping[str, Credentials] = field(default_factory=dict)  # by route
    listening: frozenset[tuple[str, int]] = frozenset()  # where we take mail
    remotes: RemoteLines | None = None  # other providers' servers that our people may use
    folder: DirectoryTransport | None = None  # all that would leave goes there
    connector: Connector = field(default_factory=TcpConnector)
    fetch: Fetch | None = None  # of MTA-STS policies
    shuffle: Shuffle = random.shuffle


class OutboundSender:
    """One for each process."""

    def __init__(self, settings: OutboundSettings, around: Surroundings) -> None:
        self._store = around.store
        self._clock = around.clock
        self._home = around.home
        self._folder = around.folder
        self._router = Router(settings)
        self._directory = Directory(around.store)
        self._served: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        self._results = TlsResults(
            around.store,
            around.clock,
            seconds=settings.results_seconds,
            days=settings.results_days,
        )
        self._policies = PolicyBook(
            around.store,
            around.resolver,
            around.fetch or https_fetch(around.resolver),
            self._results,
            remembered=settings.remembered_destinations,
        )
        self._pool = Pool(settings, around.clock)
        self._pace = Pace(
            first=settings.initial_connections,
            most=settings.connections_per_destination,
            remembered=settings.remembered_destinations,
        )
        self._tracks = Tracks(
            _means(settings, around, self._router, self._results, self._policies),
            self._pool,
            self._pace,
            settings.max_sessions,
        )

    # What the queue calls

    def route(self, message: LeasedMessage, recipient: LeasedRecipient) -> Destination:
        """See `flow.outbound.outcome.Sender`."""
        return Destination(
            remote_key(message, recipient.route)
            or self._router.key(message.reverse_path, recipient.domain, recipient.route)
        )

    def lanes(self, destination: Destination) -> int:
        """See `flow.outbound.outcome.Sender`."""
        return self._pace.lanes(destination.key)

    async def send(self, destination: Destination, jobs: Sequence[Job], report: Report) -> None:
        """See `flow.outbound.outcome.Sender`."""
        trip = Trip(self._tracks, destination.key, report)
        try:
            for at, job in enumerate(jobs):
                away = await self._deliver_ours(job, report)
                if away is None:
                    continue
                if self._folder is not None:
                    await report(await self._folder.send(away, self._store.content(away.message)))
                elif not await trip.send(away, self._store.content(away.message)):
                    await trip.give_up(jobs[at + 1 :])
                    return
        finally:
            await trip.end()

    # What the node calls

    async def maintain(self) -> None:
        """Housekeeping."""
        await self._results.maintain()
        await self._policies.refresh()

    async def close(self) -> None:
        """Take leave of other servers and write what is only in memory."""
        await self._pool.close()
        await self._policies.close()
        await self._results.write()

    # Small parts

    async def _deliver_ours(self, job: Job, report: Report) -> Job | None:
        """What is left of a job without recipients in our own domains; None for nothing."""
        if self._home is None:
            return job
        ours = [
            one for one in job.recipients if not one.route and await self._is_served(one.domain)
        ]
        if not ours:
            return job
        replace = msgspec.structs.replace
        await report(await self._home.deliver(replace(job, recipients=tuple(ours))))
        others = tuple(one for one in job.recipients if one not in ours)
        return replace(job, recipients=others) if others else None

    async def _is_served(self, domain: str) -> bool:
        now = self._clock.monotonic()
        found = self._served.get(domain)
        if found is not None and now < found[0]:
            return found[1]
        is_served = await self._directory.is_served(domain)
        self._served[domain] = (now + SERVED_SECONDS, is_served)
        self._served.move_to_end(domain)
        while len(self._served) > SERVED_DOMAINS:
            self._served.popitem(last=False)
        return is_served


def _means(
    settings: OutboundSettings,
    around: Surroundings,
    router: Router,
    results: TlsResults,
    policies: PolicyBook,
) -> Means:
    clock, remembered = around.clock, settings.remembered_destinations
    caller = Caller(
        ehlo_name=around.hostname,
        clock=clock,
        timeouts=settings.timeouts,
        limits=settings.limits,
        connector=around.connector,
    )
    places = Places(
        settings,
        router,
        around.resolver,
        hostname=around.hostname,
        listening=around.listening,
        shuffle=around.shuffle,
    )
    book = policies if settings.mta_sts else None
    return Means(
        caller=caller,
        places=places,
        security=Security(settings, around.resolver, book, clock),
        results=results,
        refused=Marks(clock, settings.host_memory_seconds, remembered),
        no_tls=Marks(clock, settings.host_memory_seconds, remembered),
        credentials=around.credentials,
        max_addresses=settings.max_addresses,
        remotes=around.remotes,
    )
