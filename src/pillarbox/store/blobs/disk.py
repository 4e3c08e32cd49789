"""The file system as the segments see it, so that tests can record, tear and refuse writes."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pillarbox.errors import DiskFull, Unavailable

NO_WAIT = getattr(os, "RWF_NOWAIT", 0)
IOV_MAX = 1000  # buffers of one writev; Linux allows 1024
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def refusal(error: OSError) -> Unavailable:
    """What a caller is told when the disk refused."""
    return DiskFull() if error.errno in _NO_ROOM else Unavailable()


class Disk(Protocol):
    """Files by descriptor."""

    def create(self, path: Path) -> int:
        """Open a new file for writing; raises FileExistsError."""

    def write(self, fd: int, buffers: Sequence[bytes]) -> None:
        """Append all buffers, or raise OSError."""

    def write_at(self, fd: int, octets: bytes, offset: int) -> None:
        """Overwrite octets that are there, or raise OSError."""

    def sync(self, fd: int) -> None:
        """Return when the file's octets are durable."""

    def sync_folder(self, path: Path) -> None:
        """Return when the folder's entries are durable."""

    def truncate(self, fd: int, length: int) -> None:
        """Cut the file."""

    def link(self, path: Path, name: Path) -> None:
        """Give the file a further name; raises FileExistsError."""

    def rename(self, path: Path, name: Path) -> None:
        """Give the file another name, taking that from any other file."""

    def unlink(self, path: Path) -> None:
        """Take a name away, if it is there."""

    def close(self, fd: int) -> None:
        """Give the descriptor back."""


class RealDisk:
    """The operating system's own."""

    def create(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, fd: int, buffers: Sequence[bytes]) -> None:
        for start in range(0, len(buffers), IOV_MAX):
            part = buffers[start : start + IOV_MAX]
            written = os.writev(fd, part)
            if written != sum(map(len, part)):
                _write_rest(fd, b"".join(part)[written:])

    def write_at(self, fd: int, octets: bytes, offset: int) -> None:
        if os.pwrite(fd, octets, offset) != len(octets):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def sync(self, fd: int) -> None:
        os.fdatasync(fd)

    def sync_folder(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, length: int) -> None:
        os.ftruncate(fd, length)

    def link(self, path: Path, name: Path) -> None:
        os.link(path, name)

    def rename(self, path: Path, name: Path) -> None:
        path.replace(name)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def close(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            os.close(fd)


def _write_rest(fd: int, rest: bytes) -> None:
    view = memoryview(rest)
    while view:
        written = os.write(fd, view)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]


def pread(fd: int, length: int, offset: int) -> bytes:
    """Octets at an offset; fewer only at the end of the file."""
    octets = os.pread(fd, length, offset)
    while len(octets) < length:
        more = os.pread(fd, length - len(octets), offset + len(octets))
        if not more:
            break
        octets += more
    return octets


def pread_cached(fd: int, length: int, offset: int) -> bytes | None:
    """The same when the octets are in memory already; None when the disk would be waited for."""
    buffer = bytearray(length)
    try:
        got = os.preadv(fd, [buffer], offset, NO_WAIT)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return None
        return pread(fd, length, offset)  # this file system cannot say
    return bytes(buffer) if got == length else None
