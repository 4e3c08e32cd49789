"""Zip and tar archives as trees: bounded before and while they are unpacked, never by their names.

Nothing is written under a name that an archive gives. What has to be sought in (an mbox) is
unpacked to an unnamed temporary file; short entries are read straight out of the archive.
"""

from __future__ import annotations

import calendar
import gzip
import os
import struct
import tarfile
import tempfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec

from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.flow.collect.files.tree import FileEntry, Unreadable, open_plain, too_many, why
from pillarbox.flow.collect.source import SourceFailure

_MIB = 1 << 20
_ENTRY_OCTETS = 46  # of the shortest entry of a zip's directory
_LONGEST_ENTRY = 4096  # of a usual one, with its name and fields
_UNPACKABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HARMLESS = 64 * _MIB  # an entry up to this may be packed ever so well: a message of zeros is
_SHORT = 8 * _MIB  # an entry up to this is unpacked in memory
_LONGEST_READ = 16 * _MIB  # that a tar's own header may ask for
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, NotImplementedError,
           ValueError, RuntimeError, struct.error)  # fmt: skip


class _Unpacked(gzip.GzipFile):
    """What is in a .gz, never much at once: `tarfile` reads headers as long as they say."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LONGEST_READ:
            raise tarfile.ReadError
        return super().read(size)


class _Archive(ABC):
    """What zip and tar share."""

    def __init__(self, settings: CollectFileSettings, temporary: Path | None) -> None:
        self.notes: list[str] = []
        self._settings = settings
        self._temporary = temporary
        self._tricks = 0
        self._unpacked = 0

    def folders(self) -> list[tuple[str, ...]]:
        """An archive's folders are those of its files."""
        return sorted({entry.folder for entry in self.files()})

    @abstractmethod
    def files(self) -> list[FileEntry]:
        """Set by the one that knows the format."""

    def _levels(self, name: str) -> tuple[str, ...] | None:
        """The levels of an entry's name; None for a name that leads out of the archive."""
        levels = tuple(level for level in name.split("/") if level not in ("", "."))
        if not levels or name.startswith("/") or ".." in levels or "\0" in name or "\\" in name:
            self._tricks += 1
            return None
        if len(levels) > self._settings.max_depth:
            self._tricks += 1
            return None
        return levels

    def _note_tricks(self) -> None:
        if self._tricks:
            self.notes.append(f"{self._tricks} entries with names that no archive needs left out.")

    def _grows(self) -> SourceFailure:
        return SourceFailure(
            "file",
            f"The archive grows more than {self._settings.max_ratio} times when unpacked, as mail "
            "does not; it is refused (collect.files.max_ratio).",
        )

    def _check_total(self, octets: int, packed: int) -> None:
        self._unpacked += octets
        if self._unpacked > max(_HARMLESS, packed * self._settings.max_ratio):
            raise self._grows()
        if self._unpacked > self._settings.max_unpacked_octets:
            raise SourceFailure(
                "file",
                f"Unpacked, the archive has more than {self._settings.max_unpacked_octets} octets; "
                "bring it in parts, or raise collect.files.max_unpacked_octets.",
            )

    def _unpack(self, packed: IO[bytes], size: int) -> BinaryIO:
        """An entry of `size` octets, in memory or in a file without a name."""
        place = self._temporary or Path(tempfile.gettempdir())
        if size > _SHORT:
            _check_room(place, size)
        # Closed by whoever asked for the entry.
        file = tempfile.SpooledTemporaryFile(max_size=_SHORT, dir=str(place))  # noqa: SIM115 - closed by its user
        left = size
        while left and (piece := packed.read(min(left, _MIB))):
            file.write(piece)
            left -= len(piece)
        if left:
            file.close()
            raise Unreadable("the archive ends in the middle of it")
        file.seek(0)
        return cast(BinaryIO, file)


class ZipTree(_Archive):
    """A zip archive."""

    def __init__(
        self, path: Path, settings: CollectFileSettings, temporary: Path | None = None
    ) -> None:
        super().__init__(settings, temporary)
        self._file = open_plain(path)
        try:
            _check_directory(self._file, settings)
            self._zip = zipfile.ZipFile(self._file)
            self._entries = self._check(self._zip.infolist())
        except _BROKEN as error:
            self._file.close()
            raise SourceFailure(
                "file", "That zip archive is damaged or incomplete; fetch or make it again."
            ) from error
        except SourceFailure:
            self._file.close()
            raise

    def _check(self, members: list[zipfile.ZipInfo]) -> list[FileEntry]:
        packed = sum(member.compress_size for member in members)
        if packed > os.fstat(self._file.fileno()).st_size:
            raise SourceFailure("file", "The entries of that zip archive overlap; it is refused.")
        found: list[FileEntry] = []
        ratio = self._settings.max_ratio
        for number, member in enumerate(members):
            if member.is_dir():
                continue
            levels = self._levels(member.filename)
            if levels is None:
                continue
            if member.file_size > max(_HARMLESS, member.compress_size * ratio):
                raise self._grows()
            self._check_total(member.file_size, packed)
            found.append(FileEntry(levels, member.file_size, _modified(member), number))
        self._note_tricks()
        return found

    def files(self) -> list[FileEntry]:
        """Every entry that is a file."""
        return self._entries

    def open(self, entry: FileEntry) -> BinaryIO:
        """Raises Unreadable."""
        member = self._zip.infolist()[entry.number]
        if member.flag_bits & 1:
            raise Unreadable("it is encrypted; unpack the archive first")
        if member.compress_type not in _UNPACKABLE:
            raise Unreadable("it is packed in a way that is not read here; unpack the archive")
        if member.external_attr >> 28 == 0xA:
            raise Unreadable("it is a symbolic link")
        return _guarded(lambda: self._unpack_member(member, entry.size))

    def peek(self, entry: FileEntry, octets: int) -> bytes:
        """Unpacks no more than that; raises Unreadable."""
        with self.open(msgspec.structs.replace(entry, size=min(entry.size, octets))) as file:
            return file.read()

    def _unpack_member(self, member: zipfile.ZipInfo, size: int) -> BinaryIO:
        with self._zip.open(member) as packed:
            return self._unpack(packed, size)

    def close(self) -> None:
        """Idempotent."""
        self._zip.close()
        self._file.close()


class TarTree(_Archive):
    """A tar archive packed by gzip; reading it in its own order costs one pass."""

    def __init__(
        self, path: Path, settings: CollectFileSettings, temporary: Path | None = None
    ) -> None:
        super().__init__(settings, temporary)
        self._file = open_plain(path)
        size = os.fstat(self._file.fileno()).st_size
        try:
            self._tar = tarfile.TarFile(fileobj=_Unpacked(fileobj=self._file))
            self._members: list[tarfile.TarInfo] = []
            self._entries = self._check(size)
        except _BROKEN as error:
            self._file.close()
            raise SourceFailure(
                "file", "That tgz archive is damaged or incomplete; fetch or make it again."
            ) from error
        except SourceFailure:
            self._file.close()
            raise

    def _check(self, size: int) -> list[FileEntry]:
        found: list[FileEntry] = []
        others = 0
        # tarfile skips from header to header, so the unpacked size is bounded entry by entry.
        for seen, member in enumerate(self._tar, 1):
            if seen > self._settings.max_entries:
                raise too_many(self._settings)
            self._check_total(member.size, size)
            if not member.isreg():
                others += not member.isdir()
                continue
            levels = self._levels(member.name)
            if levels is not None:
                self._members.append(member)
                entry = FileEntry(levels, member.size, int(member.mtime), len(self._members) - 1)
                found.append(entry)
        if others:
            self.notes.append(f"{others} links or devices in the archive left out.")
        self._note_tricks()
        return found

    def files(self) -> list[FileEntry]:
        """Every entry that is a file."""
        return self._entries

    def open(self, entry: FileEntry) -> BinaryIO:
        """Raises Unreadable."""
        return _guarded(lambda: self._unpack_member(entry))

    def peek(self, entry: FileEntry, octets: int) -> bytes:
        """Unpacks no more than that; raises Unreadable."""
        with self.open(msgspec.structs.replace(entry, size=min(entry.size, octets))) as file:
            return file.read()

    def _unpack_member(self, entry: FileEntry) -> BinaryIO:
        packed = self._tar.extractfile(self._members[entry.number])
        if packed is None:
            raise Unreadable("it is no plain file")
        with packed:
            return self._unpack(packed, entry.size)

    def close(self) -> None:
        """Idempotent."""
        self._tar.close()
        self._file.close()


def _check_room(place: Path, size: int) -> None:
    free = os.statvfs(place)
    if size > free.f_bavail * free.f_frsize:
        raise Unreadable(f"the disk has no room to unpack its {size} octets")


def _guarded(unpack: Callable[[], BinaryIO]) -> BinaryIO:
    try:
        return unpack()
    except OSError as error:
        raise Unreadable(why(error)) from error
    except _BROKEN as error:
        raise Unreadable("the archive is damaged there") from error


def _modified(member: zipfile.ZipInfo) -> int | None:
    """When an entry was changed: exactly where the archive says so (Info-ZIP's field 0x5455)."""
    extra = member.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 0x5455 and length >= 5 and len(extra) >= 9 and extra[4] & 1:
            return int(struct.unpack_from("<i", extra, 5)[0])
        extra = extra[4 + length :]
    try:
        return calendar.timegm(member.date_time)
    except (ValueError, OverflowError):
        return None


def _check_directory(file: BinaryIO, settings: CollectFileSettings) -> None:
    """The directory of a zip is read whole by `zipfile`: look at its size first."""
    size = os.fstat(file.fileno()).st_size
    at = max(size - 65536 - 22, 0)
    file.seek(at)
    tail = file.read(65536 + 22)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise SourceFailure("file", "That is no whole zip archive; fetch or make it again.")
    count, octets = struct.unpack_from("<HI", tail, end + 10)
    if tail[end - 20 : end - 16] == b"PK\x06\x07":  # zip64: its own end tells more
        file.seek(struct.unpack_from("<Q", tail, end - 12)[0])
        long_end = file.read(56)
        if len(long_end) == 56 and long_end.startswith(b"PK\x06\x06"):
            count, octets = struct.unpack_from("<QQ", long_end, 32)
    file.seek(0)
    most = settings.max_entries
    if count > most or octets > most * _LONGEST_ENTRY or octets // _ENTRY_OCTETS > most * 4:
        raise too_many(settings)
