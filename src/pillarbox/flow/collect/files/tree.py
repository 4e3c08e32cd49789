"""Files in a folder, bounded and without tricks: what an archive offers, too (`archive`)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.source import SourceFailure


class Unreadable(Exception):
    """A file that cannot be read; the sentence says why."""


class FileEntry(msgspec.Struct, frozen=True):
    """A file below the top: its levels are its name there."""

    levels: tuple[str, ...]
    size: int
    modified_at: int | None  # Unix seconds
    number: int = 0  # within an archive

    @property
    def name(self) -> str:
        """The last level."""
        return self.levels[-1]

    @property
    def folder(self) -> tuple[str, ...]:
        """The levels above."""
        return self.levels[:-1]


class Tree(Protocol):
    """Files by their levels, on disk or in an archive."""

    notes: list[str]  # what was left out, a sentence each

    def files(self) -> list[FileEntry]:
        """All of them, in no order. Raises SourceFailure where there are too many."""

    def folders(self) -> list[tuple[str, ...]]:
        """Folders, empty ones too; known after `files`."""

    def open(self, entry: FileEntry) -> BinaryIO:
        """To be read from its begin, and sought in. Raises Unreadable."""

    def peek(self, entry: FileEntry, octets: int) -> bytes:
        """Its first octets, at little cost. Raises Unreadable."""

    def close(self) -> None:
        """Give everything back."""


class DiskTree:
    """A folder on disk. Links are not followed out of it, and only plain files are opened."""

    def __init__(self, top: Path, settings: CollectFileSettings) -> None:
        self.notes: list[str] = []
        self._settings = settings
        self._folders: list[tuple[str, ...]] = []
        self._left_out: dict[str, int] = {}
        try:
            self._fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceFailure("file", f"The folder cannot be read: {why(error)}.") from error

    def files(self) -> list[FileEntry]:
        """Every plain file below."""
        found: list[FileEntry] = []
        self._folders, self._left_out = [], {}
        for entry in self._walk(()):
            if len(found) >= self._settings.max_entries:
                raise too_many(self._settings)
            found.append(entry)
        self.notes = [f"{count} {what} left out." for what, count in self._left_out.items()]
        return found

    def folders(self) -> list[tuple[str, ...]]:
        """Those that `files` went through."""
        return self._folders

    def _walk(self, levels: tuple[str, ...]) -> Iterator[FileEntry]:
        self._folders.append(levels)
        try:
            fd = self._open(levels, os.O_DIRECTORY)
        except OSError as error:
            self._leave_out(f"folder(s) that cannot be read ({why(error)}) were")
            return
        inner: list[str] = []
        try:
            with os.scandir(fd) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        self._leave_out("symbolic link(s) were")
                    elif entry.is_dir(follow_symlinks=False):
                        inner.append(entry.name)
                    elif entry.is_file(follow_symlinks=False):
                        found = entry.stat(follow_symlinks=False)
                        yield FileEntry((*levels, entry.name), found.st_size, int(found.st_mtime))
                    else:
                        self._leave_out("pipe(s), socket(s) or device(s) were")
        finally:
            os.close(fd)
        for name in inner:
            if len(levels) + 1 >= self._settings.max_depth:
                self._leave_out("folder(s) that lie too deep were")
            else:
                yield from self._walk((*levels, name))

    def _leave_out(self, what: str) -> None:
        self._left_out[what] = self._left_out.get(what, 0) + 1

    def open(self, entry: FileEntry) -> BinaryIO:
        """Raises Unreadable, also for what is no plain file any more."""
        try:
            fd = self._open(entry.levels, os.O_NONBLOCK)
        except OSError as error:
            raise Unreadable(why(error)) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise Unreadable("it is no plain file")
        return cast(BinaryIO, os.fdopen(fd, "rb"))

    def peek(self, entry: FileEntry, octets: int) -> bytes:
        """Raises Unreadable."""
        try:
            with self.open(entry) as file:
                return file.read(octets)
        except OSError as error:
            raise Unreadable(why(error)) from error

    def _open(self, levels: tuple[str, ...], how: int) -> int:
        """Level by level, so that no folder can be exchanged for a link meanwhile."""
        fd = self._fd
        try:
            for level in levels[:-1]:
                inner = os.open(level, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=fd)
                if fd != self._fd:
                    os.close(fd)
                fd = inner
            return os.open(levels[-1] if levels else ".", os.O_RDONLY | how | _NO_LINK, dir_fd=fd)
        finally:
            if fd != self._fd:
                os.close(fd)

    def close(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class FileTree:
    """One plain file, seen as a folder with nothing else in it."""

    def __init__(self, path: Path) -> None:
        self.notes: list[str] = []
        self._path = path
        with self.open(FileEntry((path.name,), 0, None)) as file:
            found = os.fstat(file.fileno())
        self._entry = FileEntry((path.name,), found.st_size, int(found.st_mtime))

    def files(self) -> list[FileEntry]:
        """The one."""
        return [self._entry]

    def folders(self) -> list[tuple[str, ...]]:
        """The top."""
        return [()]

    def open(self, entry: FileEntry) -> BinaryIO:
        """Raises SourceFailure: there is nothing else to go on with."""
        return open_plain(self._path)

    def peek(self, entry: FileEntry, octets: int) -> bytes:
        """Raises Unreadable."""
        try:
            with self.open(entry) as file:
                return file.read(octets)
        except OSError as error:
            raise Unreadable(why(error)) from error

    def close(self) -> None:
        """There is nothing to give back."""


def open_plain(path: Path) -> BinaryIO:
    """A plain file that the person named: a link may lead to it. Raises SourceFailure."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SourceFailure("file", f"The file cannot be read: {why(error)}.") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise SourceFailure("file", "That is no plain file; name a file or a folder of mail.")
    return cast(BinaryIO, os.fdopen(fd, "rb"))


def too_many(settings: CollectFileSettings) -> SourceFailure:
    """More files than are looked at."""
    return SourceFailure(
        "file",
        f"There are more than {settings.max_entries} files in it; bring it in parts, or raise "
        "collect.files.max_entries.",
    )


def why(error: OSError) -> str:
    """The system's words without a path."""
    return (error.strerror or "it cannot be read").lower()
