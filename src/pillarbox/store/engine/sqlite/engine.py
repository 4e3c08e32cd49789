"""The embedded engine: SQLite for rows, segment files for octets, datagrams between processes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.store import StoreSettings
from pillarbox.errors import Damaged, Unavailable
from pillarbox.ids import AccountId, BlobId, ModSeq
from pillarbox.store.blobs.content import Blobs, Content
from pillarbox.store.blobs.disk import Disk
from pillarbox.store.blobs.record import Location
from pillarbox.store.blobs.segment import SegmentReader, SegmentWriter
from pillarbox.store.blobs.spool import Spool, clean_folder
from pillarbox.store.database import ReadFunction, Row, WriteFunction
from pillarbox.store.engine.sqlite.connection import (
    PASSING,
    SqliteReader,
    check_library,
    connect,
    drive,
)
from pillarbox.store.engine.sqlite.lock import WriteLock
from pillarbox.store.engine.sqlite.migrate import migrate
from pillarbox.store.engine.sqlite.writer import Wakes, Writer
from pillarbox.store.feed import Feed, Neighbours

T = TypeVar("T")

_LOCATE = "SELECT segment, position, length, size FROM blob WHERE blob_id = ?"
_MODSEQS = """
    SELECT account_id, modseq FROM account
    WHERE account_id IN (SELECT value FROM json_each(?))
"""


class Folders:
    """Where things lie in the data folder."""

    def __init__(self, settings: StoreSettings) -> None:
        self.root = Path(settings.data_dir)
        self.database = self.root / "pillarbox.db"
        self.search = self.root / "search.db"
        self.lock = self.root / "write.lock"
        self.blobs = self.root / "blobs"
        self.tmp = self.root / "tmp"
        self.run = self.root / "run"

    def make(self) -> None:
        """Make those that are missing, readable by their owner only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.blobs, self.tmp, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)


class SqliteEngine:
    """One process's part of the store."""

    def __init__(self, folders: Folders, settings: StoreSettings, clock: Clock, disk: Disk) -> None:
        self._folders = folders
        self._settings = settings
        self._clock = clock
        self._disk = disk
        self._loop = asyncio.get_running_loop()
        self.feed = Feed()
        self._reading = connect(folders.database, cache_octets=settings.read_cache_octets)
        self._reader = SqliteReader(self._reading)
        self._scanners = threading.local()
        self._scanning: list[apsw.Connection] = []
        self._threads = ThreadPoolExecutor(settings.read_threads, "store-reader")
        self._segments = SegmentReader(folders.blobs)
        self._blobs = Blobs(self._segments, self.locate)
        self._neighbours = Neighbours(folders.run, self.feed.wake)
        self._neighbours.start(self._loop)
        self._writer = Writer(
            connect(folders.database, cache_octets=settings.read_cache_octets),
            WriteLock(folders.lock),
            SegmentWriter(folders.blobs, disk, settings.segment_octets),
            settings,
            lambda: unix_seconds(clock.now()),
            self._committed,
        )
        self._polling = self._loop.create_task(self._poll(), name="store-poll")

    @classmethod
    async def open(cls, settings: StoreSettings, clock: Clock, disk: Disk) -> SqliteEngine:
        """Make the folders, migrate, and start the threads."""
        check_library()
        folders = Folders(settings)
        try:
            folders.make()
            _prepare(folders, settings, clock)
        except (OSError, *PASSING) as error:
            raise Unavailable from error
        sys.setswitchinterval(settings.switch_interval_seconds)
        return cls(folders, settings, clock, disk)

    async def read(self, function: ReadFunction[T]) -> T:
        return self._snapshot(self._reading, self._reader, function)

    async def scan(self, function: ReadFunction[T]) -> T:
        return await self._loop.run_in_executor(self._threads, self._scan, function)

    async def write(self, function: WriteFunction[T]) -> T:
        return await self._writer.write(function)

    def spool(self, max_octets: int) -> Spool:
        return Spool(self._folders.tmp, self._disk, self._settings, max_octets)

    def content(self, trace: bytes, blob: BlobId, size: int) -> Content:
        return Content(self._blobs, trace, blob, size)

    def locate(self, blob: BlobId) -> Location:
        """Where a blob is now; for the loop's thread. Raises Damaged when it is nowhere."""
        return _locate(self._reading, blob)

    async def close(self) -> None:
        self._polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._polling
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._threads.shutdown)
        self._neighbours.close()
        for connection in (*self._scanning, self._reading):
            connection.close()
        self._segments.close()

    def _scan(self, function: ReadFunction[T]) -> T:
        connection = getattr(self._scanners, "connection", None)
        if connection is None:
            connection = connect(
                self._folders.database, cache_octets=self._settings.read_cache_octets
            )
            self._scanners.connection = connection
            self._scanning.append(connection)
        return self._snapshot(connection, SqliteReader(connection), function)

    def _snapshot(
        self, connection: apsw.Connection, reader: SqliteReader, function: ReadFunction[T]
    ) -> T:
        if connection.in_transaction:  # a read inside a read sees the same snapshot
            return drive(function(reader))
        try:
            connection.execute("BEGIN")
            try:
                return drive(function(reader))
            finally:
                connection.execute("COMMIT")
        except PASSING as error:
            raise Unavailable from error

    def _committed(self, wakes: Wakes) -> None:
        """On the writer's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, wakes)
        self._neighbours.send(wakes)

    def _wake(self, wakes: Wakes) -> None:
        for account, modseq in wakes.items():
            self.feed.wake(account, modseq)

    async def _poll(self) -> None:
        """Repair lost wake-ups: look at the numbers when another connection has committed."""
        version = -1
        while True:
            await self._clock.sleep(self._settings.poll_seconds)
            with contextlib.suppress(*PASSING):
                now = self._reading.pragma("data_version")
                if now != version:
                    version = now
                    self._pull()

    def _pull(self) -> None:
        watched = ",".join(map(str, self.feed.watched()))
        rows: list[Row] = self._reading.execute(_MODSEQS, (f"[{watched}]",)).fetchall()
        for account, modseq in rows:
            self.feed.wake(AccountId(account), ModSeq(modseq))


def _locate(connection: apsw.Connection, blob: BlobId) -> Location:
    row = connection.execute(_LOCATE, (blob,)).fetchone()
    if row is None:
        raise Damaged
    return Location(*row)


def _prepare(folders: Folders, settings: StoreSettings, clock: Clock) -> None:
    lock = WriteLock(folders.lock)
    lock.acquire()
    try:
        clean_folder(folders.tmp)
        connection = connect(folders.database, cache_octets=settings.read_cache_octets)
        try:
            migrate(connection, folders.database, unix_seconds(clock.now()))
        finally:
            connection.close()
    finally:
        lock.release()
        lock.close()
