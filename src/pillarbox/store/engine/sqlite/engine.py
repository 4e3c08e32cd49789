"""The embedded engine: SQLite for rows, segment files for octets, datagrams between processes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw
import msgspec

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.store import StoreSettings
from pillarbox.errors import Damaged, Unavailable
from pillarbox.ids import AccountId, BlobId, MailboxId, MessageId, ModSeq, Uid
from pillarbox.store.blobs.content import Blobs, Content
from pillarbox.store.blobs.disk import Disk
from pillarbox.store.blobs.record import Location
from pillarbox.store.blobs.segment import SegmentReader, SegmentWriter
from pillarbox.store.blobs.spool import Spool, clean_folder
from pillarbox.store.database import Reader, ReadFunction, WriteFunction
from pillarbox.store.engine.sqlite.compaction import compact
from pillarbox.store.engine.sqlite.connection import (
    PASSING,
    OneStatement,
    SqliteReader,
    check_library,
    connect,
    drive,
    failure,
    fetch,
)
from pillarbox.store.engine.sqlite.indexer import Indexer
from pillarbox.store.engine.sqlite.journeys import SqliteJourneys
from pillarbox.store.engine.sqlite.lock import WriteLock
from pillarbox.store.engine.sqlite.migrate import migrate
from pillarbox.store.engine.sqlite.text_index import (
    SqliteTextIndex,
    document_number,
    open_index,
    prepare_index,
)
from pillarbox.store.engine.sqlite.verifying import Progress, Verifier
from pillarbox.store.engine.sqlite.writer import Writer
from pillarbox.store.feed import Feed, Neighbours
from pillarbox.store.maintenance import Maintained, end_retention
from pillarbox.store.model import MessageRow
from pillarbox.store.query import Query
from pillarbox.store.search.account_wide import AccountSearch, AskFunction, Kept
from pillarbox.store.search.arrivals import KeptArrivals
from pillarbox.store.search.attachments import KeptAttachments
from pillarbox.store.search.evaluate import Search
from pillarbox.store.search.reading import ReadBlob
from pillarbox.store.search.unread import KeptUnread
from pillarbox.store.sql import accounts
from pillarbox.store.verify import VerifyReport
from pillarbox.telemetry.log import get_logger

log = get_logger("store")
T = TypeVar("T")

_SMALL_CACHE = 2 * 1024 * 1024  # octets, for connections that read everything once
_LOCATE = "SELECT segment, position, length, size FROM blob WHERE blob_id = ?"
_HIGHEST_SEQ = "SELECT seq FROM sqlite_sequence WHERE name = 'message'"
_MODSEQS = """
    SELECT account_id, modseq FROM account
    WHERE account_id IN (SELECT value FROM json_each(?))
"""


class Folders:
    """Where things lie in the data folder."""

    def __init__(self, settings: StoreSettings, vfs: str | None) -> None:
        self.root = Path(settings.data_dir)
        self._vfs = vfs  # SQLite's way to the disk; tests have their own
        self.database = self.root / "pillarbox.db"
        self.search = self.root / "search.db"
        self.journeys = self.root / "journeys.db"
        self.lock = self.root / "write.lock"
        self.index_lock = self.root / "index.lock"
        self.maintenance_lock = self.root / "maintenance.lock"
        self.blobs = self.root / "blobs"
        self.tmp = self.root / "tmp"
        self.run = self.root / "run"

    def connect(self, cache_octets: int) -> apsw.Connection:
        """A connection to the database."""
        return connect(self.database, cache_octets=cache_octets, vfs=self._vfs)

    def connect_index(self, cache_octets: int) -> apsw.Connection:
        """A connection to the text index."""
        return open_index(self.search, cache_octets, self._vfs)

    def prepare_index(self, disk: Disk, highest: int) -> None:
        """Make the text index if there is none that fits."""
        prepare_index(self.search, highest, disk, self._vfs)

    def make(self, disk: Disk) -> None:
        """Make those that are missing, readable by their owner only; durable when it returns."""
        missing = [folder for folder in self.root.parents if not folder.exists()]
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.blobs, self.tmp, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)
        # Also those that were there: who made them may have been killed before its sync.
        disk.sync_folder(self.root)
        for folder in (self.root, *missing):
            with contextlib.suppress(PermissionError):  # not ours, so not of our making
                disk.sync_folder(folder.parent)


@dataclass(frozen=True, slots=True)
class _Scanner:
    """What a reader thread reads with."""

    rows: apsw.Connection
    texts: apsw.Connection

    def close(self) -> None:
        self.rows.close()
        self.texts.close()


class SqliteEngine:
    """One process's part of the store."""

    def __init__(self, folders: Folders, settings: StoreSettings, clock: Clock, disk: Disk) -> None:
        self._folders = folders
        self._settings = settings
        self._clock = clock
        self._disk = disk
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self.feed = Feed()
        self._reading = folders.connect(settings.read_cache_octets)
        self._reader = SqliteReader(self._reading)
        self._scanners = threading.local()
        self._scanning: list[_Scanner] = []
        self._threads = ThreadPoolExecutor(settings.read_threads, "store-reader")
        self._kept = Kept(KeptArrivals(), KeptAttachments(), KeptUnread())
        self._segments = SegmentReader(folders.blobs)
        self._blobs = Blobs(self._segments, self.locate)
        self._neighbours = Neighbours(folders.run, self.feed.wake)
        self._neighbours.start(self._loop)
        self._writer = Writer(
            folders.connect(settings.read_cache_octets),
            WriteLock(folders.lock),
            SegmentWriter(folders.blobs, disk, settings.segment_octets),
            settings,
            clock,
            self.feed.wake,
            self._neighbours.send,
        )
        self.journeys = SqliteJourneys(folders.journeys, settings, clock)
        indexing = folders.connect(_SMALL_CACHE)
        self._indexer = Indexer(
            indexing,
            folders.connect_index(_SMALL_CACHE),
            WriteLock(folders.index_lock),
            self._blob_reader(indexing),
            settings,
            clock,
        )
        self._polling = self._loop.create_task(self._poll(), name="store-poll")

    @classmethod
    async def open(
        cls, settings: StoreSettings, clock: Clock, disk: Disk, vfs: str | None
    ) -> SqliteEngine:
        """Make the folders, migrate, and start the threads."""
        check_library()
        folders = Folders(settings, vfs)
        try:
            folders.make(disk)
            _prepare(folders, settings, clock, disk)
        except (OSError, *PASSING) as error:
            raise failure(error) or error from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            said = (
                f"{folders.database} is damaged ({error}); put a copy from a backup in its place."
            )
            raise Unavailable(said) from error
        sys.setswitchinterval(settings.switch_interval_seconds)
        return cls(folders, settings, clock, disk)

    async def read(self, function: ReadFunction[T]) -> T:
        return self._snapshot(self._reading, self._reader, function)

    async def read_one(self, function: ReadFunction[T]) -> T:
        try:
            return drive(function(OneStatement(self._reader)))
        except PASSING as error:
            raise Unavailable from error

    async def scan(self, function: ReadFunction[T]) -> T:
        return await self._loop.run_in_executor(self._threads, self._scan, function)

    async def write(
        self, function: WriteFunction[T], *, short: bool = False, patient: bool = False
    ) -> T:
        return await self._writer.write(function, short=short, patient=patient)

    @property
    def busy_at(self) -> float:
        return self._writer.busy_at

    def spool(self, max_octets: int) -> Spool:
        return Spool(self._folders.tmp, self._disk, self._settings, max_octets)

    def content(self, trace: bytes, blob: BlobId, size: int) -> Content:
        return Content(self._blobs, trace, blob, size)

    def contents(self, rows: Sequence[MessageRow]) -> list[Content]:
        return [
            Content(self._blobs, row.trace, row.blob, row.size, _find(self._reading, row.blob))
            for row in rows
        ]

    def locate(self, blob: BlobId) -> Location:
        """Where a blob is now; for the loop's thread. Raises Damaged when it is nowhere."""
        return _locate(self._reading, blob)

    async def close(self) -> None:
        """Finish what waits; then nothing of the store runs any more. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._polling
        await self.journeys.close()
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._indexer.close)
        await asyncio.to_thread(self._threads.shutdown)
        self._neighbours.close()
        for scanner in self._scanning:
            scanner.close()
        self._reading.close()
        self._segments.close()

    async def search(self, account: AccountId, mailbox: MailboxId, query: Query) -> list[Uid]:
        return await self._loop.run_in_executor(
            self._threads, self._search, account, mailbox, query
        )

    async def ask_account(self, account: AccountId, function: AskFunction[T]) -> T:
        return await self._loop.run_in_executor(self._threads, self._ask_account, account, function)

    async def index_now(self) -> int:
        return await self._loop.run_in_executor(None, self._indexer.run_once)

    async def maintain(self) -> Maintained:
        """End retention and compact, unless another process is at it."""
        lock = WriteLock(self._folders.maintenance_lock)
        try:
            if not lock.try_acquire():
                return Maintained()
            await self.journeys.prune()
            await self._forget_accounts()
            settings = self._settings
            now = unix_seconds(self._clock.now())
            done = await end_retention(self, now, settings.retention_days, self._forget_texts)
            await self._loop.run_in_executor(None, self._indexer.forget_orphans)
            segments = await compact(
                self,
                self._folders.blobs,
                self._disk,
                self._segments,
                settings.segment_dead_percent,
            )
            return msgspec.structs.replace(done, segments=segments)
        finally:
            lock.close()

    async def _forget_texts(self, account: AccountId, messages: list[MessageId]) -> None:
        if messages:
            numbers = [document_number(account, message) for message in messages]
            await self._loop.run_in_executor(None, self._indexer.forget, numbers)

    async def _forget_accounts(self) -> None:
        """The text of a removed account must not stay in the index."""
        known = {one.id for one in await self.read(accounts.all_accounts)}
        await self._loop.run_in_executor(None, self._indexer.forget_others, known)

    async def verify(self, progress: Progress) -> VerifyReport:
        """Read everything in a thread; cancelling the caller stops it."""
        scanner = _Scanner(
            self._folders.connect(_SMALL_CACHE),
            self._folders.connect_index(_SMALL_CACHE),
        )
        verifier = Verifier(
            scanner.rows,
            scanner.texts,
            self._blobs,
            self._blob_reader(scanner.rows),
            self._settings.index_text_octets,
        )

        def tell(done: int, total: int) -> None:
            self._loop.call_soon_threadsafe(progress, done, total)

        work = self._loop.run_in_executor(None, verifier.run, tell)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            verifier.stop.set()
            await work
            raise
        finally:
            scanner.close()

    def _scanner(self) -> _Scanner:
        """This thread's connections."""
        scanner: _Scanner | None = getattr(self._scanners, "scanner", None)
        if scanner is None:
            cache = self._settings.read_cache_octets
            scanner = _Scanner(
                self._folders.connect(cache),
                self._folders.connect_index(cache),
            )
            self._scanners.scanner = scanner
            self._scanning.append(scanner)
        return scanner

    def _scan(self, function: ReadFunction[T]) -> T:
        connection = self._scanner().rows
        return self._snapshot(connection, SqliteReader(connection), function)

    def _search(self, account: AccountId, mailbox: MailboxId, query: Query) -> list[Uid]:
        async def run(db: Reader, texts: SqliteTextIndex, read_blob: ReadBlob) -> list[Uid]:
            most = self._settings.index_text_octets
            return await Search(db, texts, read_blob, account, mailbox, most).run(query)

        return self._with_texts(run)

    def _ask_account(self, account: AccountId, function: AskFunction[T]) -> T:
        async def run(db: Reader, texts: SqliteTextIndex, read_blob: ReadBlob) -> T:
            most = self._settings.index_text_octets
            return await function(AccountSearch(db, texts, read_blob, account, most, self._kept))

        return self._with_texts(run)

    def _with_texts(
        self, function: Callable[[Reader, SqliteTextIndex, ReadBlob], Awaitable[T]]
    ) -> T:
        """One snapshot of rows and texts, in this thread."""
        scanner = self._scanner()
        texts, read_blob = SqliteTextIndex(scanner.texts), self._blob_reader(scanner.rows)
        # The index's snapshot is taken first: what it lacks is then in the rows' tail.
        try:
            with scanner.texts:
                texts.upto()
                found = self._snapshot(
                    scanner.rows,
                    SqliteReader(scanner.rows),
                    lambda db: function(db, texts, read_blob),
                )
        except (apsw.CorruptError, *PASSING) as error:
            log.error_event("store.search_failed", exc=True)
            raise Unavailable from error
        return found

    def _blob_reader(self, connection: apsw.Connection) -> Callable[[BlobId], bytes]:
        def locate(blob: BlobId) -> Location:
            return _locate(connection, blob)

        # Encoded text is at most three times as long as decoded; a large message is not read whole.
        most = 3 * self._settings.index_text_octets

        def read(blob: BlobId) -> bytes:
            return self._blobs.read_now(blob, 0, most, locate)

        return read

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

    async def _poll(self) -> None:
        """Repair lost wake-ups: look at the numbers when another connection has committed."""
        version = -1
        while True:
            await self._clock.sleep(self._settings.poll_seconds)
            self._writer.give_up()
            with contextlib.suppress(*PASSING):
                now = self._reading.pragma("data_version")
                if now != version:
                    version = now
                    self._pull()
                    self._segments.drop_deleted()

    def _pull(self) -> None:
        watched = ",".join(map(str, self.feed.watched()))
        for account, modseq in fetch(self._reading, _MODSEQS, (f"[{watched}]",)):
            self.feed.wake(AccountId(account), ModSeq(modseq))


def _find(connection: apsw.Connection, blob: BlobId) -> Location | None:
    row = connection.execute(_LOCATE, (blob,)).fetchone()
    return None if row is None else Location(*row)


def _locate(connection: apsw.Connection, blob: BlobId) -> Location:
    found = _find(connection, blob)
    if found is None:
        raise Damaged
    return found


def _prepare(folders: Folders, settings: StoreSettings, clock: Clock, disk: Disk) -> None:
    lock = WriteLock(folders.lock)
    lock.acquire()
    try:
        clean_folder(folders.tmp)
        connection = folders.connect(settings.read_cache_octets)
        try:
            migrate(connection, folders.database, unix_seconds(clock.now()), disk)
            highest = fetch(connection, _HIGHEST_SEQ)
            folders.prepare_index(disk, highest[0][0] if highest else 0)
        finally:
            connection.close()
    finally:
        lock.release()
        lock.close()
