"""Octets of a message while they arrive: in memory while short, in an unnamed file when long."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import mmap
import os
import secrets
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from pillarbox.config.store import StoreSettings
from pillarbox.errors import TooLarge
from pillarbox.ids import BlobId
from pillarbox.message.part import Octets
from pillarbox.store.blobs.disk import Disk, refusal
from pillarbox.store.blobs.record import (
    BLOCK,
    SealedBlob,
    block_count,
    compress_block,
    encode_head,
    head_length,
    seal_bytes,
)
from pillarbox.store.blobs.segment import SEGMENT_MAGIC

_SEAL_INLINE = 128 * 1024  # octets hashed and compressed on the loop's own thread (under 1 ms)


class Spool:
    """Takes a message's octets; `discard` it (or leave its `with`) whatever happens."""

    def __init__(self, folder: Path, disk: Disk, settings: StoreSettings, max_octets: int) -> None:
        self._folder = folder
        self._disk = disk
        self._settings = settings
        self._max_octets = max_octets
        self.limits = settings.message  # how far `message.digest` takes it apart
        self._parts: list[bytes] = []
        self._fd = -1
        self._mapped: mmap.mmap | None = None
        self._sealed_file: Path | None = None
        self._lock_fd = -1
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def write(self, chunk: bytes) -> None:
        """Add octets; raises TooLarge (nothing of the chunk is kept) and Unavailable."""
        size = self.size + len(chunk)
        if size > self._max_octets:
            raise TooLarge
        if self._fd < 0:
            self._parts.append(bytes(chunk))
            if size > self._settings.spool_memory_octets:
                self._to_file()
        else:
            self._write_file([bytes(chunk)])
        self.size = size

    def octets(self) -> Octets:
        """All octets so far; nothing may be written afterwards."""
        if self._fd < 0:
            if len(self._parts) != 1:
                self._parts = [b"".join(self._parts)]
            return self._parts[0]
        if self._mapped is None:
            self._mapped = mmap.mmap(self._fd, self.size, access=mmap.ACCESS_READ)
        return self._mapped

    async def seal(self) -> SealedBlob:
        """Hash and compress; raises Unavailable when there is no room for a large message."""
        octets = self.octets()
        if isinstance(octets, bytes) and len(octets) <= _SEAL_INLINE:
            return seal_bytes(octets)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self._seal_large, octets)

    def discard(self) -> None:
        """Give memory and files back. What a transaction kept stays."""
        self._parts = []
        if self._mapped is not None:
            with contextlib.suppress(BufferError):  # someone still looks at it; it goes with them
                self._mapped.close()
            self._mapped = None
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1
        if self._sealed_file is not None:
            # Whoever asked may have been told that the message is kept: too late to refuse it.
            with contextlib.suppress(OSError):  # the next start clears the folder
                self._disk.unlink(self._sealed_file)
            self._sealed_file = None
        if self._lock_fd >= 0:
            self._disk.close(self._lock_fd)
            self._lock_fd = -1

    def _to_file(self) -> None:
        path = self._folder / f"spool-{secrets.token_hex(8)}"
        try:
            self._fd = self._disk.create(path)
            self._disk.unlink(path)
            self._disk.write(self._fd, self._parts)
        except OSError as error:
            raise refusal(error) from error
        self._parts = []

    def _write_file(self, buffers: list[bytes]) -> None:
        try:
            self._disk.write(self._fd, buffers)
        except OSError as error:
            raise refusal(error) from error

    def _seal_large(self, octets: Octets) -> SealedBlob:
        if len(octets) < self._settings.own_segment_octets:
            return seal_bytes(bytes(octets[:]))
        try:
            return self._seal_to_file(octets)
        except OSError as error:
            raise refusal(error) from error

    def _seal_to_file(self, octets: Octets) -> SealedBlob:
        """A segment of its own, written beside the others and synced before any lock is taken."""
        path = self._folder / f"sealed-{secrets.token_hex(8)}"
        self._lock_fd = fd = self._disk.create(path)
        self._sealed_file = path
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = len(octets)
        space = len(SEGMENT_MAGIC) + head_length(block_count(size))
        self._disk.write(fd, [bytes(space)])
        digest = hashlib.sha256()
        index: list[tuple[int, bool, int]] = []
        for start in range(0, size, BLOCK):
            piece = octets[start : start + BLOCK]
            digest.update(piece)
            stored, as_is = compress_block(piece)
            index.append((len(stored), as_is, zlib.crc32(stored)))
            self._disk.write(fd, [stored])
        blob = BlobId(digest.digest())
        head = encode_head(blob, size, index)
        self._disk.write_at(fd, SEGMENT_MAGIC + head, 0)
        self._disk.sync(fd)
        length = len(head) + sum(stored for stored, _, _ in index)
        return SealedBlob(blob, size, (), length, path)


def clean_folder(folder: Path) -> None:
    """Remove what processes that are gone left behind; live ones hold locks."""
    for entry in list(os.scandir(folder)):
        with contextlib.suppress(OSError):
            fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                Path(entry.path).unlink(missing_ok=True)
            finally:
                os.close(fd)
