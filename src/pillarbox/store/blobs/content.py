"""A message as it is read: our trace fields, then the octets that were received."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from pillarbox.errors import Damaged
from pillarbox.ids import BlobId
from pillarbox.store.blobs.record import (
    BLOCK,
    Head,
    Location,
    block_count,
    expand_range,
    expand_record,
    head_length,
    parse_head,
)
from pillarbox.store.blobs.segment import SegmentReader

_SMALL = 256 * 1024  # a record up to this is read at once


class Blobs:
    """Reads blobs wherever compaction has put them."""

    def __init__(self, segments: SegmentReader, locate: Callable[[BlobId], Location]) -> None:
        self._segments = segments
        self._locate = locate

    def read_now(
        self, blob: BlobId, start: int, end: int, locate: Callable[[BlobId], Location] | None = None
    ) -> bytes:
        """Octets [start, end), waiting for the disk; for reader threads. Raises Damaged."""
        locate = locate or self._locate
        at = locate(blob)
        try:
            return self._read_at(at, blob, start, end)
        except FileNotFoundError:  # compacted since; the row knows the new place
            return self._read_at(locate(blob), blob, start, end)

    async def read(self, blob: BlobId, start: int, end: int, at: Location | None = None) -> bytes:
        """The same for the loop's thread: only what the page cache holds is read there.

        `at`: where the blob was a moment ago.
        """
        at = at or self._locate(blob)
        if at.length <= _SMALL:
            try:
                record = self._segments.read_cached(at.segment, at.position, at.length)
            except FileNotFoundError:
                record = None
            if record is not None:
                return expand_small(record, blob, start, end)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(None, self._read_at, at, blob, start, end)
        except FileNotFoundError:
            at = self._locate(blob)
            return await loop.run_in_executor(None, self._read_at, at, blob, start, end)

    def _read_at(self, at: Location, blob: BlobId, start: int, end: int) -> bytes:
        if at.length <= _SMALL:
            record = self._segments.read(at.segment, at.position, at.length)
            return expand_small(record, blob, start, end)
        head = self._head(at, blob)

        def read(offset: int, length: int) -> bytes:
            return self._segments.read(at.segment, at.position + offset, length)

        return expand_range(head, read, start, end)

    def _head(self, at: Location, blob: BlobId) -> Head:
        length = head_length(block_count(at.size))
        head = parse_head(self._segments.read(at.segment, at.position, length))
        if head.blob != blob:
            raise Damaged
        return head


def expand_small(record: bytes, blob: BlobId, start: int, end: int) -> bytes:
    """Octets [start, end) of a whole record; raises Damaged when it is another blob's."""
    if record[8:40] != blob:
        raise Damaged
    return expand_record(record, start, end)


class Content:
    """One message, trace included; offsets count from the trace's first octet."""

    def __init__(
        self, blobs: Blobs, trace: bytes, blob: BlobId, size: int, at: Location | None = None
    ) -> None:
        """`at`: where the blob is, if that is known."""
        self._blobs = blobs
        self._trace = trace
        self._blob = blob
        self._at = at
        self._held: bytes | None = None
        self.size = size

    async def read(self, start: int, end: int) -> bytes:
        """Octets [start, end), cut to what there is; raises Damaged."""
        pieces = await self.pieces(start, end)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(self, start: int, end: int) -> list[bytes]:
        """The same as it lies: joining trace and octets would copy all of them."""
        trace = self._trace
        end = min(end, self.size)
        if start >= end:
            return []
        if end <= len(trace):
            return [trace[start:end]]
        first, last = max(start - len(trace), 0), end - len(trace)
        if self._held is not None:
            octets = self._held[first:last]
        else:
            octets = await self._blobs.read(self._blob, first, last, self._at)
        return [trace[start:], octets] if start < len(trace) else [octets]

    async def read_ahead(self) -> None:
        """Hold the octets of a small message until they are asked for; raises Damaged."""
        if self.size <= _SMALL and self._held is None:
            size = self.size - len(self._trace)
            self._held = await self._blobs.read(self._blob, 0, size, self._at)

    def release(self) -> None:
        """Give back what is held."""
        self._held = None

    async def chunks(
        self, start: int = 0, end: int | None = None, step: int = 65536
    ) -> AsyncIterator[bytes]:
        """The same in pieces of about `step` octets; never more than two blocks in memory."""
        end = self.size if end is None else min(end, self.size)
        while start < end:
            # Whole blocks at a time, so that none is expanded twice.
            border = (max(start - len(self._trace), 0) // BLOCK + 1) * BLOCK + len(self._trace)
            octets = await self.read(start, min(border, end))
            for offset in range(0, len(octets), step):
                yield octets[offset : offset + step]
            start += len(octets)
