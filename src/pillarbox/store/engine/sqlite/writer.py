"""Group commit: one thread takes every write that waits and makes them durable together."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, TypeVar

import apsw

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.store import StoreSettings
from pillarbox.errors import PillarboxError, Unavailable
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.blobs.segment import SegmentWriter
from pillarbox.store.database import WriteFunction
from pillarbox.store.engine.sqlite.connection import drive, failure, fetch
from pillarbox.store.engine.sqlite.lock import WriteLock
from pillarbox.store.engine.sqlite.transaction import SqliteTransaction
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import (
    STORE_BATCH,
    STORE_COMMIT_SECONDS,
    STORE_COMMITS,
    STORE_FAILURES,
)

log = get_logger("store")
T = TypeVar("T")
_RESERVE = "UPDATE segment_number SET last = last + ? RETURNING last"
_LOOP_IS_LATE = 0.02  # seconds; the writer's thread then goes on by itself
_PATIENCE = 0.05  # seconds; then a patient write goes before all others: it has some share
Wakes = dict[AccountId, ModSeq]


@dataclass(slots=True, eq=False)
class _Job:
    function: WriteFunction[Any]
    future: asyncio.Future[Any]
    short: bool
    patient: bool
    asked_at: float
    value: Any = None
    error: BaseException | None = None


class _Turn:
    """Work that is done once, by whichever thread takes it first."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._untaken = threading.Lock()
        self.ended = threading.Event()
        self.error: BaseException | None = None

    def take(self) -> None:
        """Do the work unless another thread is at it or has done it."""
        if not self._untaken.acquire(blocking=False):
            return
        try:
            self._work()
        except BaseException as error:  # for the thread that waits
            self.error = error
        self.ended.set()


class Writer:
    """The only thread of this process that writes to the database."""

    def __init__(
        self,
        connection: apsw.Connection,
        lock: WriteLock,
        segments: SegmentWriter,
        settings: StoreSettings,
        clock: Clock,
        wake: Callable[[AccountId, ModSeq], None],
        send: Callable[[Wakes], None],
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._segments = segments
        self._settings = settings
        self._clock = clock
        self._wake = wake  # on the loop
        self._send = send  # on the writer's thread
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._patient: deque[_Job] = deque()  # taken from there, until nothing else waits
        self._version = 0  # of the database, as other processes change it
        self.busy_at = -inf  # monotonic: the last commit that was not a patient write's alone
        self._open: set[_Job] = set()  # asked for and not answered; the loop's thread only
        self._locking_since: float | None = None
        self._closed = False
        self._ended = False  # on the writer's thread
        self.batches = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, function: WriteFunction[T], *, short: bool, patient: bool) -> T:
        """Run it in the next batch; returns after the commit is durable."""
        if self._closed or self._jobs.qsize() >= self._settings.queue_length:
            raise Unavailable
        future: asyncio.Future[T] = self._loop.create_future()
        job = _Job(function, future, short, patient, self._clock.monotonic())
        self._open.add(job)
        self._jobs.put(job)
        # A caller that is cancelled does not stop the write: it may be half-way to the disk.
        return await future

    def give_up(self) -> None:
        """Answer those who wait while another process keeps the lock for too long.

        Called on the loop now and then. What was given up is not done later.
        """
        since = self._locking_since
        if since is None or self._clock.monotonic() - since < self._settings.lock_wait_seconds:
            return
        log.warning_event("store.lock_kept", writes=len(self._open))
        for job in self._open:
            if not job.future.done():
                job.future.set_exception(Unavailable())
        self._open.clear()

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            self._segments.close()
            self._connection.close()
            self._lock.close()

    def _now(self) -> int:
        return unix_seconds(self._clock.now())

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._commit([job])

    def _next(self) -> _Job | None:
        """What to begin with; None: it is over. A patient write comes when nothing else waits."""
        while not self._ended:
            if self._patient and self._is_overdue(self._patient[0]):
                break
            try:
                job = self._jobs.get(block=not self._patient)
            except queue.Empty:
                break
            if job is None:
                self._ended = True
            elif job.patient:
                self._patient.append(job)
            else:
                return job
        return self._patient.popleft() if self._patient else None

    def _is_overdue(self, job: _Job) -> bool:
        return self._clock.monotonic() - job.asked_at > _PATIENCE

    def _take_more(self, batch: list[_Job]) -> None:
        """Those that wait by now come along; more of them the longer the lock was waited for.

        None comes along with a patient write: what came meanwhile goes before it.
        """
        first = batch[0]
        if first.patient:
            if self._is_overdue(first):
                return
            batch.clear()
        self._gather(batch)
        if not batch:
            batch.append(first)
        elif first.patient:
            self._patient.appendleft(first)

    def _gather(self, batch: list[_Job]) -> None:
        while len(batch) < self._settings.batch:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._ended = True
                return
            (self._patient if job.patient else batch).append(job)

    def _commit(self, batch: list[_Job]) -> None:
        wakes: Wakes = {}
        started = self._clock.monotonic()
        try:
            self._locking_since = started
            self._lock.acquire()
            self._locking_since = None
            try:
                self._take_more(batch)
                self._transact(batch, wakes)
            finally:
                self._lock.release()
        except BaseException as error:  # a waiting caller must hear of anything
            STORE_FAILURES.labels(type(error).__name__).inc()
            log.error_event("store.commit_failed", exc=True, writes=len(batch))
            _fail(batch, error)
            wakes = {}
        if not batch[0].patient:
            self.busy_at = self._clock.monotonic()
        self._tell(batch, wakes)
        self.batches += 1
        STORE_COMMITS.inc()
        STORE_BATCH.observe(len(batch))
        STORE_COMMIT_SECONDS.observe(self._clock.monotonic() - started)

    def _tell(self, batch: list[_Job], wakes: Wakes) -> None:
        """One call into the loop: callers have their answers, watchers are woken."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, batch, wakes)
        if wakes:
            self._send(wakes)

    def _settle(self, batch: list[_Job], wakes: Wakes) -> None:
        for job in batch:
            self._open.discard(job)
            if job.future.done():  # its caller was cancelled
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.value)
        # A caller goes on only after this, so it finds the watchers told of its write.
        for account, modseq in wakes.items():
            self._wake(account, modseq)

    def _transact(self, batch: list[_Job], wakes: Wakes) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            if batch[0].patient:
                self._look_for_others()
            if self._segments.needs_numbers:
                self._reserve_numbers()
            if all(job.short for job in batch):
                self._run_on_loop(batch, wakes)
            else:
                self._run_jobs(batch, wakes)
            self._segments.sync()
            execute("COMMIT")
        except BaseException:
            self._segments.forget()
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

    def _look_for_others(self) -> None:
        version = int(fetch(self._connection, "PRAGMA data_version", ())[0][0])
        if version != self._version:
            self._version = version
            self.busy_at = self._clock.monotonic()

    def _reserve_numbers(self) -> None:
        count = 4 * self._settings.batch
        last = int(fetch(self._connection, _RESERVE, (count,))[0][0])
        self._segments.reserve(range(last - count + 1, last + 1))

    def _run_on_loop(self, batch: list[_Job], wakes: Wakes) -> None:
        """Lend the transaction to the loop's thread.

        Run here, each statement would give Python's lock to a busy loop and wait to get it back:
        that costs both threads more than the statement. A loop that does not come is not waited
        for, since other processes wait for the write lock.
        """
        turn = _Turn(partial(self._run_jobs, batch, wakes))
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(turn.take)
        if not turn.ended.wait(_LOOP_IS_LATE):
            turn.take()
            turn.ended.wait()
        if turn.error is not None:
            raise turn.error

    def _run_jobs(self, batch: list[_Job], wakes: Wakes) -> None:
        for job in batch:
            if not job.future.done():  # nobody waits for it any more
                self._run_job(job, wakes)

    def _run_job(self, job: _Job, wakes: Wakes) -> None:
        execute = self._connection.execute
        transaction = SqliteTransaction(self._connection, self._segments, self._settings, self._now)
        execute("SAVEPOINT job")
        try:
            job.value = drive(job.function(transaction))
        except BaseException as error:  # the caller of this one job hears of it
            if not self._connection.in_transaction:
                raise  # SQLite gave the whole batch up: no room, or the disk failed
            execute("ROLLBACK TO job")
            told = failure(error)
            if told is not None:
                told.__cause__ = error
            job.error = told or error
        else:
            wakes.update(transaction.woken)
        execute("RELEASE job")


def _fail(batch: list[_Job], cause: BaseException) -> None:
    for job in batch:
        # A refusal of one function's own stands; what seemed to succeed did not.
        if not isinstance(job.error, PillarboxError):
            job.error = failure(cause) or RuntimeError("the commit failed")
            job.error.__cause__ = cause
