"""A zip archive written in constant memory, however many entries it gets and however long they are.

The standard library keeps every entry in memory until the end; here the directory grows in a
temporary file. Sizes are put into an entry's head once they are known, so every program can read
the archive as a stream. Not more than 4 GiB or 65535 entries need no zip64 and are written without.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pillarbox.clock import from_unix_seconds

_LEVEL = 3  # of deflate: twice as fast as the usual 6 and a few hundredths larger for mail
_LONG = 0xFFFFFFFF
_MANY = 0xFFFF
UTF8_NAMES = 0x0800
_DEFLATED = 8
_MADE_BY_UNIX = 3 << 8 | 45
_FILE_MODE = 0o100600
_FOLDER_MODE = 0o040700
_COPY = 1 << 20
_FIRST_YEAR = 1980


class ZipWriter:
    """`begin`, `write` …, `end` for each entry; `finish`. Waits for the disk: for threads."""

    _flags = UTF8_NAMES

    def __init__(self, path: Path) -> None:
        """Makes the file for nobody else's eyes; one that is there is overwritten."""
        fd = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        self._file: IO[bytes] = os.fdopen(fd, "w+b", buffering=_COPY)
        self._prepare(path.parent)

    def _prepare(self, folder: Path) -> None:
        """`folder`: where the directory grows."""
        self._directory: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed at the end
        self._count = 0
        self._at = 0  # length of the file so far
        self._name = b""
        self._stamp: tuple[int, int, bytes] = (0, 0, b"")
        self._start = 0
        self._long = False
        self._crc = self._size = self._packed = 0
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Whether it is whole or not."""
        self._directory.close()
        self._file.close()

    @property
    def octets(self) -> int:
        """Length of the archive so far."""
        return self._at

    def begin(self, name: str, modified_at: int, *, long: bool = False) -> None:
        """An entry; `long`: it may become longer than 4 GiB."""
        self._name = name.encode()
        self._stamp = _stamp(modified_at)
        self._start, self._long = self._at, long
        self._crc = self._size = self._packed = 0
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
        self._put(self._head())

    def write(self, octets: bytes) -> None:
        """More of the entry."""
        self._crc = zlib.crc32(octets, self._crc)
        self._size += len(octets)
        self._pack(self._packer.compress(octets))

    def end(self) -> None:
        """The entry is whole."""
        self._end(_FILE_MODE << 16)

    def _end(self, attributes: int) -> None:
        self._pack(self._packer.flush())
        if not self._long and max(self._size, self._packed) >= _LONG:
            raise OverflowError("an entry became longer than was said")
        self._tell_sizes()
        self._note(attributes)

    def _tell_sizes(self) -> None:
        """Now that they are known: in the entry's head."""
        self._file.seek(self._start)
        self._file.write(self._head())
        self._file.seek(self._at)

    def add(self, name: str, octets: bytes, modified_at: int) -> None:
        """A short entry in one go."""
        self.begin(name, modified_at)
        self.write(octets)
        self.end()

    def adding(self, name: str, file: IO[bytes], modified_at: int) -> Iterator[int]:
        """An entry out of a file, from its begin, in steps; each says how many octets it took."""
        self.begin(name, modified_at, long=True)
        file.seek(0)
        while piece := file.read(_COPY):
            self.write(piece)
            yield len(piece)
        self.end()

    def add_folder(self, name: str, modified_at: int) -> None:
        """An empty folder; its name ends with "/"."""
        self.begin(name, modified_at)
        self._end(_FOLDER_MODE << 16 | 0x10)

    def finish(self) -> None:
        """Write the directory; afterwards all is on the disk."""
        for _ in self.finishing():
            pass

    def finishing(self) -> Iterator[int]:
        """The same in steps; each says how many octets it took."""
        start = self._at
        self._directory.seek(0)
        while piece := self._directory.read(_COPY):
            self._put(piece)
            yield len(piece)
        self._put(self._tail(start, self._at - start))
        self._settle()

    def _settle(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _put(self, octets: bytes) -> None:
        self._file.write(octets)
        self._at += len(octets)

    def _pack(self, packed: bytes) -> None:
        self._packed += len(packed)
        self._put(packed)

    def _head(self) -> bytes:
        time, date, extra = self._stamp
        size, packed = self._size, self._packed
        if self._long:
            extra = struct.pack("<HHQQ", 1, 16, size, packed) + extra
            size = packed = _LONG
        version = 45 if self._long else 20
        head = struct.pack(
            "<4sHHHHHIIIHH", b"PK\x03\x04", version, self._flags, _DEFLATED, time, date,
            self._crc, packed, size, len(self._name), len(extra),
        )  # fmt: skip
        return head + self._name + extra

    def _note(self, attributes: int) -> None:
        """A line of the directory; what is too long for its field stands behind the name."""
        time, date, extra = self._stamp
        longs: list[int] = []
        fields: list[int] = []
        for value in (self._size, self._packed, self._start):
            if value >= _LONG:
                longs.append(value)
                value = _LONG
            fields.append(value)
        size, packed, start = fields
        if longs:
            extra = struct.pack(f"<HH{len(longs)}Q", 1, 8 * len(longs), *longs) + extra
        version = 45 if longs or self._long else 20
        line = struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", _MADE_BY_UNIX, version, self._flags, _DEFLATED,
            time, date, self._crc, packed, size, len(self._name), len(extra), 0, 0, 0,
            attributes, start,
        )  # fmt: skip
        self._directory.write(line + self._name + extra)
        self._count += 1

    def _tail(self, start: int, length: int) -> bytes:
        tail = b""
        if self._count >= _MANY or max(start, length) >= _LONG:
            end = start + length
            tail = struct.pack(
                "<4sQHHIIQQQQ", b"PK\x06\x06", 44, _MADE_BY_UNIX, 45, 0, 0, self._count,
                self._count, length, start,
            )  # fmt: skip
            tail += struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        count = min(self._count, _MANY)
        return tail + struct.pack(
            "<4sHHHHIIH",
            b"PK\x05\x06",
            0,
            0,
            count,
            count,
            min(length, _LONG),
            min(start, _LONG),
            0,
        )


def _stamp(modified_at: int) -> tuple[int, int, bytes]:
    """Time and date as DOS had them, in UTC, and exactly in Info-ZIP's field 0x5455."""
    extra = struct.pack("<HHBi", 0x5455, 5, 1, max(min(modified_at, 2**31 - 1), -(2**31)))
    instant = from_unix_seconds(max(min(modified_at, 4_354_819_198), 0))
    if instant.year < _FIRST_YEAR:
        return 0, 1 << 5 | 1, extra
    date = (instant.year - _FIRST_YEAR) << 9 | instant.month << 5 | instant.day
    return instant.hour << 11 | instant.minute << 5 | instant.second // 2, date, extra
