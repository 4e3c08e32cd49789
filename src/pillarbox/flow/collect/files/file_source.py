"""What all sources of files share: reading beside the loop, one file's trouble not another's."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, TypeVar

from pillarbox.clock import Clock
from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.errors import TooLarge
from pillarbox.flow.collect.files.tree import FileEntry, Tree, Unreadable, why
from pillarbox.flow.collect.source import (
    Arrived,
    AtSource,
    FlagsNow,
    FolderChanges,
    Missed,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.store.blobs.spool import Spool

T = TypeVar("T")
Write = Callable[[bytes], None]
_BATCH_PIECES = 4  # pieces of a file that messages read ahead hold in memory
UNREADABLE = "unreadable"  # key of what stands for a whole file or folder that cannot be read


class FileSource(ABC):
    """A Source over a Tree. Those who know a format give `list_folders`, `list_one`, `copy`.

    These three wait for the disk and run in threads, one at a time.
    """

    def __init__(self, tree: Tree, settings: CollectFileSettings, clock: Clock) -> None:
        self._tree = tree
        self._settings = settings
        self._clock = clock
        self._notes: list[str] = []
        self._busy = asyncio.Lock()
        self._kept: tuple[FileEntry, BinaryIO] | None = None

    sought = "no mail"  # in words

    @property
    def notes(self) -> list[str]:
        """What was left out of the source as a whole, a sentence each."""
        return [*self._tree.notes, *self._notes]

    @abstractmethod
    def list_folders(self) -> list[RemoteFolder]:
        """All folders, parents first."""

    @abstractmethod
    def list_one(self, folder: RemoteFolder) -> Sequence[RemoteMessage]:
        """A folder's messages; raises Unreadable."""

    @abstractmethod
    def copy(self, message: RemoteMessage, write: Write) -> None:
        """Write a message's octets; raises Unreadable."""

    async def folders(self) -> list[RemoteFolder]:
        """All folders, parents first."""
        found = await self._in_thread(self.list_folders)
        if not found:
            raise SourceFailure(
                "file", f"There is {self.sought} in it; check the path and the form."
            )
        return found

    async def open(self, folder: RemoteFolder) -> OpenFolder:
        """What cannot be read as a whole is one message that will be missed, with the reason."""
        try:
            messages = await self._in_thread(lambda: self.list_one(folder))
        except Unreadable as error:
            self._why = str(error)
            messages = [RemoteMessage(UNREADABLE)]
        return OpenFolder(folder, self.validity_of(folder), messages)

    def validity_of(self, folder: RemoteFolder) -> str:
        """Keys of files name what they hold, and never something else."""
        return ""

    _why = ""  # of the unreadable folder

    async def fetch(
        self, messages: Sequence[RemoteMessage], spool: Callable[[], Spool]
    ) -> AsyncIterator[Arrived | Missed]:
        """In the order asked for."""
        for batch in self._batches(messages):
            with contextlib.ExitStack() as unused:
                spools = [unused.enter_context(spool()) for _ in batch]
                read = await self._in_thread(partial(self._read, batch, spools))
                unused.pop_all()
            try:
                while read:
                    yield read.pop(0)
            finally:
                for left in read:
                    if isinstance(left, Arrived):
                        left.spool.discard()

    def _batches(self, messages: Sequence[RemoteMessage]) -> Iterator[list[RemoteMessage]]:
        """Some at a time: few long ones, more short ones."""
        batch: list[RemoteMessage] = []
        octets = 0
        for message in messages:
            if batch and (
                len(batch) >= self._settings.batch_messages
                or octets + message.size > _BATCH_PIECES * self._settings.piece_octets
            ):
                yield batch
                batch, octets = [], 0
            batch.append(message)
            octets += message.size
        if batch:
            yield batch

    def _read(
        self, batch: Sequence[RemoteMessage], spools: Sequence[Spool]
    ) -> list[Arrived | Missed]:
        read: list[Arrived | Missed] = []
        for message, spool in zip(batch, spools, strict=True):
            try:
                if message.key == UNREADABLE:
                    raise Unreadable(self._why)
                self.copy(message, spool.write)
                read.append(Arrived(message, spool))
                continue
            except Unreadable as error:
                read.append(Missed(message, f"The file cannot be read: {error}."))
            except OSError as error:
                read.append(Missed(message, f"The file cannot be read: {why(error)}."))
            except TooLarge as error:
                read.append(Missed(message, str(error)))
            spool.discard()
        return read

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Its end is waited for even by who is cancelled: it writes to spools of the caller's."""
        async with self._busy:
            running = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                while not running.done():
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.wait([running])
                raise

    def peek(self, entry: FileEntry, octets: int) -> bytes:
        """The first octets of an entry; raises Unreadable."""
        return self._tree.peek(entry, octets)

    def reading(self, entry: FileEntry) -> BinaryIO:
        """An entry opened; the last one stays open, since many messages may lie in it."""
        if self._kept is not None:
            if self._kept[0] == entry:
                return self._kept[1]
            self._kept[1].close()
            self._kept = None
        self._kept = (entry, self._tree.open(entry))
        return self._kept[1]

    async def settle(self, keys: Sequence[str], what: AtSource) -> list[str]:
        """Files are never changed: only leaving them is done."""
        if what.action == "leave":
            return list(keys)
        raise SourceFailure("file", "Files are only read; mail in them is neither moved nor gone.")

    async def changes(self, since: str) -> FolderChanges:
        """Nothing: files are brought once, not followed."""
        return FolderChanges((), (), since)

    async def set_flags(self, changes: Sequence[FlagsNow]) -> list[str]:
        """Nothing is written to files."""
        return []

    async def wait(self, seconds: float) -> bool:
        """Files tell nobody."""
        await self._clock.sleep(seconds)
        return False

    async def close(self) -> None:
        """Idempotent."""
        async with self._busy:
            if self._kept is not None:
                self._kept[1].close()
                self._kept = None
            self._tree.close()
