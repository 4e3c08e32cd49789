"""Records what the store does to its disk: each write, cut, sync and change of a name, in order.

SQLite's files are recorded through a VFS around the system's own, the others through `Disk`. The
files themselves are real, since the store reads them; only the syncs are left out: what a sync
would have made durable is worked out afterwards (`power_cut_disk`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from pillarbox.store.blobs.disk import RealDisk

# SQLite's system VFS syncs the folder with the first sync of each of these that it opened with
# leave to create it, and with no other file.
_SYNCS_FOLDER = (
    apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
)


class Create(msgspec.Struct, frozen=True, gc=False):
    """A new, empty file with a name. Files are numbered: a name may come to mean another."""

    name: str
    file: int


class Write(msgspec.Struct, frozen=True, gc=False):
    """Octets at an offset."""

    file: int
    offset: int
    octets: bytes


class Truncate(msgspec.Struct, frozen=True, gc=False):
    """The file has this length from now on."""

    file: int
    length: int


class Sync(msgspec.Struct, frozen=True, gc=False):
    """A file's octets are durable once this has returned; its name need not be."""

    file: int


class Link(msgspec.Struct, frozen=True, gc=False):
    """A further name."""

    name: str
    file: int


class Unlink(msgspec.Struct, frozen=True, gc=False):
    """A name less."""

    name: str


class Rename(msgspec.Struct, frozen=True, gc=False):
    """Another name; that it goes and the other comes is one change. Both are in one folder."""

    old: str
    name: str
    file: int


class SyncFolder(msgspec.Struct, frozen=True, gc=False):
    """The names in a folder are durable once this has returned."""

    folder: str


Event = Create | Write | Truncate | Sync | Link | Rename | Unlink | SyncFolder


class Recording:
    """All that happened below a folder. Threads may write at once; the list has one order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        self.first = 0  # events that only tell what was there
        self.calls = 0  # that change something, refused ones included
        self.refuse = range(0)  # which of them fail
        self.refusal = errno.ENOSPC
        self.lies = ""  # "segments", "log", "database" or "names": syncs of these do nothing
        self._lock = threading.RLock()
        self._files = 0
        self._names: dict[str, int] = {}
        self._open: dict[int, tuple[int, int]] = {}  # descriptor: file, position

    @property
    def position(self) -> int:
        """How many events there were so far."""
        return len(self.events)

    def name_of(self, path: str | os.PathLike[str]) -> str:
        """Relative to the recorded folder; the folder itself is ".", what it lies in ".."."""
        return os.path.relpath(os.fspath(path), self.root)

    def know(self, image: dict[str, bytes]) -> None:
        """Files that are there, and durable, before the recording begins."""
        for name, octets in sorted(image.items()):
            number = self.create(name)
            self.note(Write(number, 0, octets))
            self.note(Sync(number))
        for folder in ("..", ".", *{os.path.dirname(name) or "." for name in image}):
            self.note(SyncFolder(folder))
        self.first = self.position

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Around the real operation and its event, so that both have the same order."""
        with self._lock:
            self.calls += 1
            if self.calls in self.refuse:
                raise OSError(self.refusal, os.strerror(self.refusal))
            yield

    def note(self, event: Event) -> None:
        self.events.append(event)

    def note_sync(self, kind: str, event: Sync | SyncFolder) -> None:
        """A sync was asked for, which a disk that lies only claims to have done."""
        if kind != self.lies:
            self.events.append(event)

    def create(self, name: str) -> int:
        """A file by a name that may be there already."""
        number = self._names.get(name)
        if number is None:
            self._files += 1
            number = self._names[name] = self._files
            self.note(Create(name, number))
        return number

    def link(self, old: str, new: str) -> None:
        self._names[new] = self._names[old]
        self.note(Link(new, self._names[new]))

    def rename(self, old: str, new: str) -> None:
        self._names[new] = self._names.pop(old)
        self.note(Rename(old, new, self._names[new]))

    def unlink(self, name: str) -> None:
        if self._names.pop(name, None) is not None:
            self.note(Unlink(name))

    def opened(self, fd: int, file: int) -> None:
        self._open[fd] = (file, 0)

    def file_of(self, fd: int) -> int:
        return self._open[fd][0]

    def append(self, fd: int, octets: bytes) -> None:
        file, position = self._open[fd]
        self._open[fd] = (file, position + len(octets))
        self.note(Write(file, position, octets))

    def closed(self, fd: int) -> None:
        self._open.pop(fd, None)


class RecordingDisk(RealDisk):
    """The store's `Disk`, recorded."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def create(self, path: Path) -> int:
        with self._recording.noting():
            fd = super().create(path)
            self._recording.opened(fd, self._recording.create(self._recording.name_of(path)))
        return fd

    def write(self, fd: int, buffers: Sequence[bytes]) -> None:
        with self._recording.noting():
            super().write(fd, buffers)
            self._recording.append(fd, b"".join(buffers))

    def write_at(self, fd: int, octets: bytes, offset: int) -> None:
        with self._recording.noting():
            super().write_at(fd, octets, offset)
            self._recording.note(Write(self._recording.file_of(fd), offset, octets))

    def truncate(self, fd: int, length: int) -> None:
        with self._recording.noting():
            super().truncate(fd, length)
            self._recording.note(Truncate(self._recording.file_of(fd), length))

    def sync(self, fd: int) -> None:
        with self._recording.noting():
            self._recording.note_sync("segments", Sync(self._recording.file_of(fd)))

    def sync_folder(self, path: Path) -> None:
        with self._recording.noting():
            self._recording.note_sync("names", SyncFolder(self._recording.name_of(path)))

    def link(self, path: Path, name: Path) -> None:
        with self._recording.noting():
            super().link(path, name)
            self._recording.link(self._recording.name_of(path), self._recording.name_of(name))

    def rename(self, path: Path, name: Path) -> None:
        with self._recording.noting():
            super().rename(path, name)
            self._recording.rename(self._recording.name_of(path), self._recording.name_of(name))

    def unlink(self, path: Path) -> None:
        with self._recording.noting():
            super().unlink(path)
            self._recording.unlink(self._recording.name_of(path))

    def close(self, fd: int) -> None:
        self._recording.closed(fd)
        super().close(fd)


@contextlib.contextmanager
def _told_to_sqlite() -> Iterator[None]:
    """A refusal as SQLite knows it."""
    try:
        yield
    except OSError as error:
        raise (apsw.FullError if error.errno == errno.ENOSPC else apsw.IOError) from error


class _RecordedFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], recording: Recording) -> None:
        super().__init__("", name, flags)
        self._recording = recording
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = recording.name_of(path)
        self._syncs_folder = bool(flags[0] & _SYNCS_FOLDER and flags[0] & apsw.SQLITE_OPEN_CREATE)
        with _told_to_sqlite(), recording.noting():
            self._file = recording.create(self._name)

    def xWrite(self, data: Any, offset: int) -> None:
        with _told_to_sqlite(), self._recording.noting():
            super().xWrite(data, offset)
            self._recording.note(Write(self._file, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        with _told_to_sqlite(), self._recording.noting():
            super().xTruncate(newsize)
            self._recording.note(Truncate(self._file, newsize))

    def xSync(self, flags: int) -> None:
        with _told_to_sqlite(), self._recording.noting():
            kind = "log" if self._name.endswith("-wal") else "database"
            self._recording.note_sync(kind, Sync(self._file))
            if self._syncs_folder:
                self._recording.note(SyncFolder(os.path.dirname(self._name) or "."))
                self._syncs_folder = False


class RecordingVfs(apsw.VFS):
    """SQLite's way to the disk, recorded. Give its `name` to the store; `unregister` at the end."""

    def __init__(self, recording: Recording) -> None:
        self.name = f"recording-{id(self)}"
        super().__init__(self.name, base="")
        self._recording = recording

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        if name is None:  # a temporary file without a name
            return apsw.VFSFile("", name, flags)
        return _RecordedFile(name, flags, self._recording)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with _told_to_sqlite(), self._recording.noting():
            super().xDelete(filename, syncdir)
            name = self._recording.name_of(filename)
            self._recording.unlink(name)
            if syncdir:
                self._recording.note(SyncFolder(os.path.dirname(name) or "."))
