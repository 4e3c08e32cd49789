"""Group commit: one thread takes every write that waits and makes them durable together."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import apsw

from pillarbox.config.store import StoreSettings
from pillarbox.errors import PillarboxError, Unavailable
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.blobs.segment import SegmentWriter
from pillarbox.store.database import WriteFunction
from pillarbox.store.engine.sqlite.connection import PASSING, drive
from pillarbox.store.engine.sqlite.lock import WriteLock
from pillarbox.store.engine.sqlite.transaction import SqliteTransaction

T = TypeVar("T")
Wakes = dict[AccountId, ModSeq]


@dataclass(slots=True)
class _Job:
    function: WriteFunction[Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    value: Any = None
    error: BaseException | None = None


class Writer:
    """The only thread of this process that writes to the database."""

    def __init__(
        self,
        connection: apsw.Connection,
        lock: WriteLock,
        segments: SegmentWriter,
        settings: StoreSettings,
        now: Callable[[], int],
        on_commit: Callable[[Wakes], None],
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._segments = segments
        self._settings = settings
        self._now = now
        self._on_commit = on_commit
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self.batches = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, function: WriteFunction[T]) -> T:
        """Run it in the next batch; returns after the commit is durable."""
        if self._closed or self._jobs.qsize() >= self._settings.queue_length:
            raise Unavailable
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(function, future, loop))
        # A caller that is cancelled does not stop the write: it may be half-way to the disk.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            self._segments.close()

    def _run(self) -> None:
        last = False
        while not last:
            batch: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) >= self._settings.batch:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            last = job is None
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[_Job]) -> None:
        wakes: Wakes = {}
        try:
            self._lock.acquire()
            try:
                self._transact(batch, wakes)
            finally:
                self._lock.release()
        except BaseException as error:  # a waiting caller must hear of anything
            _fail(batch, error)
            wakes = {}
        self.batches += 1
        _tell(batch)
        if wakes:
            self._on_commit(wakes)

    def _transact(self, batch: list[_Job], wakes: Wakes) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
                self._run_job(job, wakes)
            self._segments.sync()
            execute("COMMIT")
        except BaseException:
            self._segments.forget()
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

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
            job.error = error
            if isinstance(error, PASSING):
                job.error = Unavailable()
                job.error.__cause__ = error
        else:
            wakes.update(transaction.woken)
        execute("RELEASE job")


def _fail(batch: list[_Job], cause: BaseException) -> None:
    passing = isinstance(cause, (OSError, *PASSING))
    for job in batch:
        # A refusal of one function's own stands; what seemed to succeed did not.
        if not isinstance(job.error, PillarboxError):
            job.error = Unavailable() if passing else RuntimeError("the commit failed")
            job.error.__cause__ = cause


def _tell(batch: list[_Job]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, jobs)


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.value)
