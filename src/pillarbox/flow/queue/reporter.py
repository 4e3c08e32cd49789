"""Senders are told what became of their mail, and what has waited too long is given up.

What is to be told stands in the rows since the write that ended them; here it becomes reports.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import msgspec

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.queue import QueueSettings
from pillarbox.errors import PillarboxError
from pillarbox.flow.queue.bouncer import Bouncer, WriteReport
from pillarbox.flow.queue.retry import Schedule, begins_at
from pillarbox.flow.queue.wishes import Tell, tell_delay, tell_end
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.journeys import Note, Step
from pillarbox.store.model import RecipientRow, RecipientState
from pillarbox.store.sql import queue_reports
from pillarbox.store.sql.queue_lease import Key
from pillarbox.store.sql.queue_reports import Overdue, Unreported
from pillarbox.telemetry.log import get_logger

log = get_logger("queue")

AT_ONCE = 100  # messages whose reports are read together


class _Changed(Exception):
    """Another process was quicker, or the row changed: nothing of this write holds."""


class Reporter:
    """`start`, then `stop`. With `sweeps` it also looks for what is overdue: one process does."""

    def __init__(
        self,
        store: Store,
        bouncer: Bouncer,
        settings: QueueSettings,
        clock: Clock,
        *,
        sweeps: bool = True,
    ) -> None:
        self._store = store
        self._bouncer = bouncer
        self._settings = settings
        self._clock = clock
        self._sweeps = sweeps
        self._schedule = Schedule(settings)
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; call it on the loop."""
        self._tasks = [
            asyncio.create_task(self._reports(), name="queue-reports"),
            asyncio.create_task(self._tick(), name="queue-sweep"),
        ]

    async def stop(self) -> None:
        """What was not told stays written down."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There is something to tell."""
        self._wanted.set()

    async def _tick(self) -> None:
        while True:
            if self._sweeps:
                with contextlib.suppress(PillarboxError):
                    await self.sweep()
            self._wanted.set()
            await self._clock.sleep(self._settings.sweep_seconds)

    async def _reports(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.tell()
            except PillarboxError as error:
                log.warning_event("queue.report_failed", why=str(error))
            except Exception:
                log.error_event("queue.report_failed", exc=True)

    # Reports

    async def tell(self) -> int:
        """Make the reports that are due; how many were made.

        One that cannot be made is passed over until the next time, and keeps no other.
        """
        now = unix_seconds(self._clock.now())
        before = now - self._settings.report_wait_seconds
        made = after = 0
        while True:
            read = partial(queue_reports.pending, before=before, limit=AT_ONCE, after=after)
            found = await self._store.read(read)
            for one in found:
                made += await self._tell_one(one)
                after = one.message.id
            if len(found) < AT_ONCE:
                return made

    async def _tell_one(self, told: Unreported) -> bool:
        """One message's report; False when it has to be tried again later."""
        wanted = tuple(one for one in told.recipients if _is_wanted(told, one))
        report: WriteReport | None = None
        if wanted:
            try:
                report = await self._bouncer.prepare(
                    msgspec.structs.replace(told, recipients=wanted)
                )
            except Exception:  # one message's report must not keep the others
                log.error_event("queue.report_failed", exc=True, queue_id=told.message.id)
                return False

        async def commit(tx: Transaction) -> None:
            if not await queue_reports.reported(tx, told):
                raise _Changed
            if report is not None:
                await report(tx)

        try:
            await self._store.write(commit)
        except _Changed:
            return False
        if report is not None:
            self._store.journeys.note(
                Note(
                    step=Step.REPORTED,
                    journey=told.message.journey,
                    recipients=(told.message.reverse_path,),
                    queue_id=told.message.id,
                    facts={"action": ", ".join(sorted({one.report for one in wanted}))},
                )
            )
        return True

    # What has waited too long

    async def sweep(self) -> tuple[int, int]:
        """Give up and warn, whether an attempt was made lately or not; how many of each."""
        now = unix_seconds(self._clock.now())
        before = now - self._schedule.first_look()
        most = self._settings.sweep_recipients
        expired = warned = 0
        after = (0, -1)
        while True:
            found = await self._store.scan(partial(_overdue, after=after, before=before, most=most))
            begun = [begins_at(one.queued_at, one.hold) for one in found]
            over = [
                one
                for one, at in zip(found, begun, strict=True)
                if self._schedule.is_over(one.lane, at, now)
            ]
            late = [
                one
                for one, at in zip(found, begun, strict=True)
                if not one.warned and self._schedule.is_late(one.lane, at, now)
            ]
            if over or late:
                done = await self._store.write(partial(_write, over=over, late=late))
                expired, warned = expired + done[0], warned + done[1]
            if len(found) < most:
                break
            after = found[-1].key
        if expired or warned:
            self._wanted.set()
        return expired, warned


async def _overdue(db: Reader, after: Key, before: int, most: int) -> list[Overdue]:
    return await queue_reports.overdue(db, after, before, most)


async def _write(tx: Transaction, over: list[Overdue], late: list[Overdue]) -> tuple[int, int]:
    expired = warned = 0
    if over:
        state = RecipientState.EXPIRED
        ends = [(one.key, tell_end(state, one.notify, one.reverse_path).value) for one in over]
        expired = await queue_reports.expire(tx, ends)
    if late:
        delays = [(one.key, tell_delay(one.notify, one.reverse_path).value) for one in late]
        warned = await queue_reports.warn(tx, delays)
    return expired, warned


def _is_wanted(told: Unreported, row: RecipientRow) -> bool:
    """Whoever marked the row may not have known the sender's wishes."""
    sender = told.message.reverse_path
    if row.report == Tell.DELAYED:
        return bool(tell_delay(row.notify, sender)) and row.finished_at is None
    return bool(tell_end(row.state, row.notify, sender))
