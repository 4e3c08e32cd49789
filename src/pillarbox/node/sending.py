"""One worker's part in the queue: it sends, tells senders, and one of all keeps house."""

from __future__ import annotations

import os
import secrets
from functools import partial

from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.loading import hostname_of
from pillarbox.config.queue import QueueSettings
from pillarbox.config.settings import Settings
from pillarbox.flow.delivery.report import Reporter as ReportWriter
from pillarbox.flow.outbound.outcome import Sender
from pillarbox.flow.queue.bounce import Bounces
from pillarbox.flow.queue.bouncer import Bouncer
from pillarbox.flow.queue.reporter import Reporter
from pillarbox.flow.queue.retry import Schedule
from pillarbox.flow.queue.worker import QueueWorker
from pillarbox.store import Store
from pillarbox.store.sql import queue
from pillarbox.telemetry.metrics import QUEUE_OLDEST, QUEUED

FORGOTTEN_AT_ONCE = 1000  # messages deleted in one write
_HOUR = 3600


class Sending:
    """`start`, then `drain`."""

    def __init__(
        self,
        store: Store,
        settings: QueueSettings,
        clock: Clock,
        sender: Sender,
        bouncer: Bouncer,
        *,
        sweeps: bool,
    ) -> None:
        self._reporter = Reporter(store, bouncer, settings, clock, sweeps=sweeps)
        self._worker = QueueWorker(
            store,
            sender,
            settings,
            clock,
            name=f"{os.getpid()}-{secrets.token_hex(6)}",  # of no process before or after
            reporter=self._reporter,
        )

    def start(self) -> None:
        """Take part from now on; call it on the loop."""
        self._reporter.start()
        self._worker.start()

    async def drain(self, seconds: float) -> None:
        """Let what is being sent end within the time, and give the rest back."""
        await self._worker.drain(seconds)
        await self._reporter.stop()


def make_bouncer(store: Store, settings: Settings, clock: Clock, directory: Directory) -> Bounces:
    """Who writes the queue's reports."""
    reports = ReportWriter(
        store,
        directory,
        hostname=hostname_of(settings),
        clock=clock,
        max_whole_octets=settings.queue.max_returned_octets,
    )
    return Bounces(store, reports, Schedule(settings.queue))


async def keep_queue(store: Store, settings: QueueSettings, clock: Clock) -> None:
    """Forget messages that ended long ago, and count what is there."""
    before = unix_seconds(clock.now()) - settings.keep_finished_hours * _HOUR
    after = 0
    while True:
        gone = await store.scan(
            partial(queue.ended, before=before, limit=FORGOTTEN_AT_ONCE, after=after)
        )
        if gone:
            await store.write(partial(queue.forget, numbers=gone))
            after = gone[-1]
        if len(gone) < FORGOTTEN_AT_ONCE:
            break
    for state, count in (await store.scan(queue.counts)).items():
        QUEUED.labels(state.value).set(count)
    oldest = await store.read(queue.oldest)
    QUEUE_OLDEST.set(0 if oldest is None else unix_seconds(clock.now()) - oldest)
