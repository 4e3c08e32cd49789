"""Messages of one folder come in: batches, each with what is noted of it in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, field

from pillarbox.clock import unix_seconds
from pillarbox.errors import AlreadyExists
from pillarbox.flow.collect.folders import PlannedFolder
from pillarbox.flow.collect.job import Full, Job
from pillarbox.flow.collect.keywords import ALL_FLAGS, normal_keywords
from pillarbox.flow.collect.matching import ByContent, Known, new_key, uidl_of
from pillarbox.flow.collect.progress import Progress, TroubleNote, Watch
from pillarbox.flow.collect.putting import Item, Written, put
from pillarbox.flow.collect.received import received_at
from pillarbox.flow.collect.source import Arrived, Missed, RemoteMessage, Source
from pillarbox.flow.delivery.keep import seal
from pillarbox.store import SHORT_WRITE
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Role
from pillarbox.store.sql import collected
from pillarbox.store.sql.collected import SeenKey
from pillarbox.store.sql.remote_runs import FolderState


class OpenPlace(Struct):
    """A folder while it is worked at."""

    planned: PlannedFolder
    validity: str
    seen: dict[str, SeenKey]  # rows that are committed, by their key
    state: FolderState | None
    doubtful: frozenset[str] = frozenset()  # keys that content decides about
    matches: ByContent | None = None
    rows: dict[str, str] = field(default_factory=dict)  # listed key → key of its committed row
    brought: int = 0
    failed: int = 0
    other_sizes: int = 0  # messages of another size than the server announced
    dropped_keywords: set[str] = field(default_factory=set)

    @property
    def is_inbox(self) -> bool:
        """Where new mail comes to."""
        return self.planned.path == "INBOX" or self.planned.remote.role is Role.INBOX


class Intake:
    """Takes what a source gives for one folder. Use it once, by `bring`."""

    def __init__(self, job: Job, place: OpenPlace, progress: Progress, watch: Watch) -> None:
        self._job = job
        self._place = place
        self._progress = progress
        self._watch = watch
        self._batch: list[Item] = []
        self._octets = 0
        self._since = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._is_server = job.settings.kind != "file"  # whose sizes are those of its messages
        self._used: set[str] = set(place.seen)  # row keys, also of what is not yet written

    async def bring(self, source: Source, wanted: Sequence[RemoteMessage]) -> None:
        """All that can be had. Raises SourceFailure, Full, NotAllowed (not our run any more),
        Unavailable; what came before is committed then, or will be brought again.
        """
        stream = source.fetch(self._fitting(wanted), self._job.store.spool)
        try:
            try:
                async for one in stream:
                    await self._take(one)
            finally:
                await _close(stream)
                # Also after a cut: what has come need not be asked for again.
                await self._flush()
                await self._written()
        finally:
            if self._writing is not None:
                # Cancelled: a write under way goes on, and must find the octets.
                await asyncio.wait([self._writing])
            for item in self._batch:
                item.discard()

    def _fitting(self, wanted: Sequence[RemoteMessage]) -> list[RemoteMessage]:
        """Without those that are too large anyway, so that they are not fetched at each run."""
        most = self._job.store.settings.max_message_octets
        for one in wanted:
            if one.size > most:
                self._miss(one, f"It has {one.size} octets; this server keeps {most} at most.")
        return [one for one in wanted if one.size <= most]

    async def _take(self, one: Arrived | Missed) -> None:
        if isinstance(one, Missed):
            if one.gone:
                self._progress.messages_done += 1
                self._progress.skipped += 1
                self._watch(self._progress)
            else:
                self._miss(one.message, one.why)
            return
        item = await self._prepare(one.message, one.spool)
        now = self._job.clock.monotonic()
        if not self._batch:
            self._since = now
        self._batch.append(item)
        self._octets += item.size
        limits = self._job.limits
        if (
            len(self._batch) >= limits.batch_messages
            or self._octets >= limits.batch_octets
            or now - self._since >= limits.batch_seconds
        ):
            await self._flush()

    async def _prepare(self, message: RemoteMessage, spool: Spool) -> Item:
        try:
            sealed = await seal(spool)
            now = unix_seconds(self._job.clock.now())
            received = received_at(message.received_at, spool.octets(), sealed.digest, now)
            junk = await self._is_junk(spool)
        except BaseException:
            spool.discard()
            raise
        if sealed.blob.file is None:
            spool.discard()
        key, known = self._identify(message, sealed.blob.id)
        return Item(
            message=message,
            key=key,
            known=known,
            sealed=sealed,
            spool=spool,
            received_at=received,
            flags=message.flags & ALL_FLAGS,
            keywords=normal_keywords(message.keywords),
            junk=junk,
        )

    async def _is_junk(self, spool: Spool) -> bool:
        job = self._job
        if job.sorter is None or not job.settings.filtered or not self._place.is_inbox:
            return False
        return await job.sorter.is_junk(spool.octets(), spool.size)

    def _identify(self, message: RemoteMessage, digest: bytes) -> tuple[str, Known | None]:
        """The key of its row, and the row if it was brought before."""
        place = self._place
        is_doubtful = message.key in place.doubtful
        known = place.matches.take(digest) if place.matches is not None else None
        if known is not None:
            return (known.row.key if is_doubtful else message.key), known
        key = message.key
        if is_doubtful:
            key = new_key(uidl_of(message.key), digest, self._used)
        self._used.add(key)
        return key, None

    async def _flush(self) -> None:
        """Write what has come, while more is read."""
        await self._written()
        if self._batch:
            batch, self._batch, self._octets = self._batch, [], 0
            self._writing = asyncio.create_task(self._write(batch), name="collect-write")

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    async def _write(self, batch: list[Item]) -> None:
        try:
            try:
                written = await self._put(batch)
            except AlreadyExists:
                # A write that we had given up was done after all.
                batch = await self._without_written(batch)
                written = await self._put(batch)
        finally:
            for item in batch:
                item.discard()
        self._account(batch, written)
        if written.is_full:
            raise Full

    async def _put(self, batch: list[Item]) -> Written:
        job, place = self._job, self._place
        return await job.store.write(
            lambda tx: put(tx, job, place.planned, place.state, place.validity, batch),
            short=len(batch) <= SHORT_WRITE,
        )

    async def _without_written(self, batch: list[Item]) -> list[Item]:
        place, remote = self._place, self._job.remote
        key = place.planned.remote.key
        place.seen.update(
            await self._job.store.scan(lambda db: collected.seen(db, remote, key, place.validity))
        )
        left = []
        for item in batch:
            if item.known is None and item.key in place.seen:
                place.rows[item.message.key] = item.key
                item.discard()
                self._count(item)
                self._progress.already += 1
            else:
                left.append(item)
        return left

    def _account(self, batch: list[Item], written: Written) -> None:
        place, progress = self._place, self._progress
        place.state = written.state or place.state
        place.dropped_keywords |= written.dropped_keywords
        for item, row in zip(batch, written.rows, strict=False):
            place.seen[row.key] = row
            place.rows[item.message.key] = row.key
            self._count(item)
            if item.known is not None or row.message is None:
                progress.already += 1
            else:
                progress.brought += 1
                progress.octets_brought += item.size
                place.brought += 1
                if self._is_server and 0 < item.message.size != item.size:
                    place.other_sizes += 1
        self._watch(progress)

    def _count(self, item: Item) -> None:
        self._progress.messages_done += 1
        # By what was announced, so that the bar reaches its end.
        self._progress.octets_done += item.message.size or item.size

    def _miss(self, message: RemoteMessage, why: str) -> None:
        self._place.failed += 1
        self._progress.messages_done += 1
        self._progress.octets_done += message.size
        self._progress.note(TroubleNote(self._place.planned.remote.path, message.key, why))
        self._watch(self._progress)


async def _close(stream: AsyncIterator[Arrived | Missed]) -> None:
    """What was read ahead gives its spools back."""
    closing = getattr(stream, "aclose", None)
    if closing is not None:
        with contextlib.suppress(RuntimeError):  # it is closing already
            await closing()
