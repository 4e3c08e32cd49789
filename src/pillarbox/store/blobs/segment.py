"""Append-only segment files: one writer each, synced before the commit that refers to them.

A process appends only to segments that it made and holds a lock on them while it may, so that
compaction leaves them alone. After a failed write or sync a segment is never appended to again:
what the disk holds of it past the last good sync is unknown, and nothing refers to that part.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections import OrderedDict, deque
from pathlib import Path

from pillarbox.errors import Damaged, Unavailable
from pillarbox.store.blobs.disk import Disk, pread, pread_cached
from pillarbox.store.blobs.record import Location, SealedBlob

SEGMENT_MAGIC = b"PBSEG001"
SUFFIX = ".seg"
_MAX_UNWRITTEN = 4 * 1024 * 1024  # octets gathered before they are handed to the system
_FEW_NUMBERS = 128
_MAX_OPEN = 64  # descriptors that the reader keeps


def segment_path(folder: Path, segment: int) -> Path:
    """The file of a segment."""
    return folder / f"{segment:08d}{SUFFIX}"


def segment_numbers(folder: Path) -> list[int]:
    """All segments there are, ascending."""
    names = (entry.name for entry in os.scandir(folder))
    return sorted(
        int(name[: -len(SUFFIX)])
        for name in names
        if name.endswith(SUFFIX) and name[: -len(SUFFIX)].isdigit()
    )


class SegmentWriter:
    """Appends records. One thread uses it, while it holds the store's write lock."""

    def __init__(self, folder: Path, disk: Disk, max_octets: int) -> None:
        self._folder = folder
        self._disk = disk
        self._max_octets = max_octets
        self._fd = -1
        self._number = 0
        self._written = 0  # octets handed to the system
        self._unwritten: list[bytes] = []
        self._unwritten_octets = 0
        self._dirty = False
        self._folder_dirty = False
        self._lost: OSError | None = None  # why records of this transaction are not there
        self._numbers: deque[int] = deque()

    @property
    def needs_numbers(self) -> bool:
        """Whether `reserve` should be called before the next transaction's writes."""
        return len(self._numbers) < _FEW_NUMBERS

    def reserve(self, numbers: range) -> None:
        """Numbers that no segment has, had or will have but those that this writer makes.

        They are reserved in the transaction under way: `forget` gives them up.
        """
        self._numbers.extend(numbers)

    def append(self, blob: SealedBlob) -> Location:
        """Where the record will be once `sync` returned; raises OSError."""
        if blob.file is not None:
            return self._adopt(blob, blob.file)
        if self._fd < 0 or self._end() >= self._max_octets:
            self._start()
        position = self._end()
        self._unwritten.extend(blob.record)
        self._unwritten_octets += blob.length
        if self._unwritten_octets > _MAX_UNWRITTEN:
            self._write()
        return Location(self._number, position, blob.length, blob.size)

    def sync(self) -> None:
        """Make all that was appended durable; raises OSError and abandons the segment."""
        if self._lost is not None:
            raise self._lost
        try:
            self._write()
            if self._dirty:
                self._disk.sync(self._fd)
                self._dirty = False
            if self._folder_dirty:
                self._disk.sync_folder(self._folder)
                self._folder_dirty = False
        except OSError as error:
            self._lost = error
            self.abandon()
            raise

    def abandon(self) -> None:
        """Never append to the present segment again."""
        self._unwritten.clear()
        self._unwritten_octets = 0
        self._dirty = False
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1

    def forget(self) -> None:
        """The transaction was rolled back: nothing that it appended is referred to."""
        self.abandon()
        self._numbers.clear()
        self._lost = None

    def close(self) -> None:
        self.abandon()

    def _end(self) -> int:
        return self._written + self._unwritten_octets

    def _write(self) -> None:
        if not self._unwritten:
            return
        buffers, self._unwritten = self._unwritten, []
        octets, self._unwritten_octets = self._unwritten_octets, 0
        self._dirty = True
        try:
            self._disk.write(self._fd, buffers)
        except OSError as error:
            with contextlib.suppress(OSError):  # give a full disk its room back
                self._disk.truncate(self._fd, self._written)
            self._lost = error
            self.abandon()
            raise
        self._written += octets

    def _start(self) -> None:
        self.sync()
        self.abandon()
        fd, number = self._create()
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._disk.write(fd, [SEGMENT_MAGIC])
        except OSError:
            self._disk.close(fd)
            raise
        self._fd, self._number, self._written = fd, number, len(SEGMENT_MAGIC)
        self._dirty = self._folder_dirty = True

    def _create(self) -> tuple[int, int]:
        while True:
            number = self._next_number()
            with contextlib.suppress(FileExistsError):  # left by a transaction that failed
                return self._disk.create(segment_path(self._folder, number)), number

    def _adopt(self, blob: SealedBlob, file: Path) -> Location:
        while True:
            number = self._next_number()
            with contextlib.suppress(FileExistsError):
                self._disk.link(file, segment_path(self._folder, number))
                self._folder_dirty = True
                return Location(number, len(SEGMENT_MAGIC), blob.length, blob.size)

    def _next_number(self) -> int:
        if not self._numbers:
            raise OSError(errno.EAGAIN, "no segment number left for this transaction")
        return self._numbers.popleft()


class _OpenFile:
    """A descriptor that is closed when it is retired and nobody reads with it any more."""

    __slots__ = ("fd", "retired", "users")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.users = 0
        self.retired = False


class SegmentReader:
    """Reads ranges of segments from any thread; keeps some descriptors open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[int, _OpenFile] = OrderedDict()

    def read(self, segment: int, offset: int, length: int) -> bytes:
        """Raises Damaged when the octets are not there, FileNotFoundError without the segment."""
        file = self._borrow(segment)
        try:
            octets = pread(file.fd, length, offset)
        except OSError as error:
            raise Damaged from error
        finally:
            self._give_back(file)
        if len(octets) != length:
            raise Damaged
        return octets

    def read_cached(self, segment: int, offset: int, length: int) -> bytes | None:
        """The same if no disk has to be waited for, else None."""
        file = self._borrow(segment)
        try:
            return pread_cached(file.fd, length, offset)
        except OSError as error:
            raise Damaged from error
        finally:
            self._give_back(file)

    def drop_deleted(self) -> None:
        """Let go of segments that compaction has deleted, so that the disk gets its room back."""
        with self._lock:
            for segment, file in list(self._open.items()):
                if not os.fstat(file.fd).st_nlink:
                    del self._open[segment]
                    self._retire(file)

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._retire(self._open.popitem()[1])

    def _borrow(self, segment: int) -> _OpenFile:
        with self._lock:
            file = self._open.get(segment)
            if file is None:
                file = self._open[segment] = _OpenFile(self._open_segment(segment))
                if len(self._open) > _MAX_OPEN:
                    self._retire(self._open.popitem(last=False)[1])
            file.users += 1
            return file

    def _open_segment(self, segment: int) -> int:
        try:
            return os.open(segment_path(self._folder, segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:  # too many open files, say
            raise Unavailable from error

    def _give_back(self, file: _OpenFile) -> None:
        with self._lock:
            file.users -= 1
            if file.retired and not file.users:
                os.close(file.fd)

    def _retire(self, file: _OpenFile) -> None:
        file.retired = True
        if not file.users:
            os.close(file.fd)
