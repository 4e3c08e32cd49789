"""The form of a message's octets in a segment.

    magic      4   b"PBR1"
    checksum   4   CRC-32 of all that follows in the head
    blob id   32   SHA-256 of the message's octets
    size       8   octets of the message
    blocks     4   their number
    each block 8   stored length (top bit: as is, not compressed), CRC-32 of the stored octets
    the blocks

A block holds `BLOCK` octets of the message (the last one fewer), each compressed on its own, so
that a range of a large message is read without the rest of it.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backports import zstd

from pillarbox.errors import Damaged
from pillarbox.ids import BlobId

BLOCK = 256 * 1024
LEVEL = 3  # Zstandard's own default: deeper levels cost delivery more than they save
MAGIC = b"PBR1"
AS_IS = 1 << 31
_HEAD = struct.Struct("<32sQI")
_BLOCK = struct.Struct("<II")
FIXED = len(MAGIC) + 4 + _HEAD.size


@dataclass(frozen=True, slots=True)
class SealedBlob:
    """A message's octets, hashed and compressed; durable only once a transaction kept it."""

    id: BlobId
    size: int
    record: tuple[bytes, ...]  # head and blocks; empty when they are in `file`
    length: int  # of the whole record
    file: Path | None = None  # a synced segment that holds only this record


@dataclass(frozen=True, slots=True)
class Location:
    """Where a blob's record lies."""

    segment: int
    position: int
    length: int
    size: int


@dataclass(frozen=True, slots=True)
class Head:
    """The decoded head of a record."""

    blob: BlobId
    size: int
    lengths: tuple[int, ...]
    as_is: tuple[bool, ...]
    checksums: tuple[int, ...]

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Offset from the record's start and length of each block."""
        offset = head_length(len(self.lengths))
        for length in self.lengths:
            yield offset, length
            offset += length


class _Codecs(threading.local):
    """A compressor for each thread: making one costs more than a short message."""

    def __init__(self) -> None:
        self.compressor = zstd.ZstdCompressor(level=LEVEL)


_codecs = _Codecs()


def block_count(size: int) -> int:
    """Blocks of a message of `size` octets."""
    return (size + BLOCK - 1) // BLOCK


def head_length(blocks: int) -> int:
    """Octets in front of the first block."""
    return FIXED + blocks * _BLOCK.size


def compress_block(octets: bytes) -> tuple[bytes, bool]:
    """The octets to store and whether they are stored as they are."""
    packed: bytes = _codecs.compressor.compress(octets, zstd.ZstdCompressor.FLUSH_FRAME)
    if len(packed) < len(octets):
        return packed, False
    return octets, True


def expand_block(stored: bytes | memoryview[int], as_is: bool, checksum: int, size: int) -> bytes:
    """The message's octets of one block; raises Damaged."""
    if zlib.crc32(stored) != checksum:
        raise Damaged
    if as_is:
        octets = bytes(stored)
    else:
        decompressor = zstd.ZstdDecompressor()  # costs less than the module's `decompress`
        try:
            octets = decompressor.decompress(stored, size + 1)
        except zstd.ZstdError as error:
            raise Damaged from error
        if not decompressor.eof or decompressor.unused_data:
            raise Damaged
    if len(octets) != size:
        raise Damaged
    return octets


def encode_head(blob: BlobId, size: int, index: list[tuple[int, bool, int]]) -> bytes:
    """The head for blocks of (stored length, as is, checksum)."""
    rest = _HEAD.pack(blob, size, len(index)) + b"".join(
        _BLOCK.pack(length | (AS_IS if as_is else 0), checksum) for length, as_is, checksum in index
    )
    return MAGIC + zlib.crc32(rest).to_bytes(4, "little") + rest


def _fixed_head(octets: bytes) -> tuple[bytes, int, int]:
    """Blob, size and number of blocks of an intact head; raises Damaged."""
    if len(octets) < FIXED or octets[:4] != MAGIC:
        raise Damaged
    blob, size, blocks = _HEAD.unpack_from(octets, 8)
    end = head_length(blocks)
    if blocks != block_count(size) or len(octets) < end:
        raise Damaged
    if zlib.crc32(octets[8:end]) != int.from_bytes(octets[4:8], "little"):
        raise Damaged
    return blob, size, blocks


def parse_head(octets: bytes) -> Head:
    """Raises Damaged unless it is a whole, intact head (octets of blocks may follow)."""
    blob, size, blocks = _fixed_head(octets)
    end = head_length(blocks)
    entries = list(_BLOCK.iter_unpack(octets[FIXED:end]))
    # Lists: they are made twice as fast as tuples from generators.
    return Head(
        blob=BlobId(blob),
        size=size,
        lengths=tuple([length & ~AS_IS for length, _ in entries]),
        as_is=tuple([length >= AS_IS for length, _ in entries]),
        checksums=tuple([checksum for _, checksum in entries]),
    )


def seal_bytes(octets: bytes) -> SealedBlob:
    """Hash and compress a message that is in memory."""
    blob = BlobId(hashlib.sha256(octets).digest())
    blocks: list[bytes] = []
    index: list[tuple[int, bool, int]] = []
    for start in range(0, len(octets), BLOCK):
        piece = octets if len(octets) <= BLOCK else octets[start : start + BLOCK]
        stored, as_is = compress_block(piece)
        blocks.append(stored)
        index.append((len(stored), as_is, zlib.crc32(stored)))
    record = (encode_head(blob, len(octets), index), *blocks)
    return SealedBlob(blob, len(octets), record, sum(map(len, record)))


def expand_record(record: bytes, start: int, end: int) -> bytes:
    """Octets [start, end) of the message in a whole record."""
    _, size, blocks = _fixed_head(record)
    if blocks == 1:  # nearly every message; its head is not made an object of
        length, checksum = _BLOCK.unpack_from(record, FIXED)
        first = FIXED + _BLOCK.size
        stored = memoryview(record)[first : first + (length & ~AS_IS)]
        octets = expand_block(stored, length >= AS_IS, checksum, size)
        return octets if start <= 0 and end >= size else octets[max(start, 0) : end]
    head = parse_head(record)
    return b"".join(_pieces(head, lambda at, n: record[at : at + n], start, end))


def expand_range(head: Head, read: Callable[[int, int], bytes], start: int, end: int) -> bytes:
    """Octets [start, end) with blocks read as needed by `read(offset in record, length)`."""
    return b"".join(_pieces(head, read, start, end))


def _pieces(head: Head, read: Callable[[int, int], bytes], start: int, end: int) -> Iterator[bytes]:
    end = min(end, head.size)
    for number, (offset, length) in enumerate(head.ranges()):
        first = number * BLOCK
        last = min(first + BLOCK, head.size)
        if last <= start or first >= end:
            continue
        octets = expand_block(
            read(offset, length), head.as_is[number], head.checksums[number], last - first
        )
        if start <= first and end >= last:
            yield octets
        else:
            yield octets[max(start - first, 0) : end - first]
