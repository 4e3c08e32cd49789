"""A report's XML out of gzip, zip or nothing, in pieces, and never more of it than the limit.

Only the octets decide what they are: senders' media types and file names are too often wrong. A
name inside of a zip is not looked at, since nothing is ever written under it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterator

from pillarbox.trust.dmarc_report.errors import BadReport

MAX_PACKED_OCTETS = 10 * 1024 * 1024  # what RFC 7489 §7.2.1.1 found that receivers take
MAX_XML_OCTETS = 16 * 1024 * 1024  # unpacked: some 20,000 rows
PIECE = 64 * 1024  # unpacked octets that are held at a time

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_MAX_MEMBERS = 16  # of gzip, one behind the other: programs that append make a few

# The end of a zip's directory, an entry of the directory, and the head of a file (APPNOTE 4.3).
_END = struct.Struct("<4sHHHHIIH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_HEAD = struct.Struct("<4sHHHHHIIIHH")
_MAX_COMMENT = 65535
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8


def unpacked(octets: bytes, limit: int = MAX_XML_OCTETS) -> Iterator[bytes]:
    """The pieces; raises BadReport, with more than `limit` octets, too."""
    if len(octets) > MAX_PACKED_OCTETS:
        raise BadReport("too large", "The report is too large to be looked at.")
    pieces: Iterator[bytes]
    if octets[:2] == _GZIP:
        pieces = _gunzipped(octets, limit)
    elif octets[:4] == _ZIP:
        pieces = _unzipped(octets, limit)
    else:
        pieces = iter([octets])
    first = True
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise BadReport("too large", f"The report unpacks to more than {limit} octets.")
        if first and octets[:2] in (_GZIP, _ZIP[:2]) and piece[:2] in (_GZIP, _ZIP[:2]):
            raise BadReport("nested", "What is packed in the report is packed again.")
        first = False
        yield piece


def _gunzipped(octets: bytes, limit: int) -> Iterator[bytes]:
    at = 0
    for _ in range(_MAX_MEMBERS):
        at = yield from _pieces(zlib.decompressobj(wbits=31), octets, at, limit)
        if octets[at : at + 2] != _GZIP:
            return  # some programs fill up with zeros
    raise BadReport("several files", "The report is in too many parts.")


def _pieces(
    unpacker: zlib._Decompress, octets: bytes, at: int, limit: int
) -> Generator[bytes, None, int]:
    """At most `limit` octets and a piece; returns where the packed octets end."""
    total = 0
    waiting = b""
    while not unpacker.eof:
        if not waiting:
            waiting = octets[at : at + PIECE]
            at += len(waiting)
        try:
            piece = unpacker.decompress(waiting, PIECE)
        except zlib.error as error:
            raise BadReport("damaged", "The report cannot be unpacked.") from error
        if not piece and not waiting:
            raise BadReport("damaged", "The report is cut short.")
        waiting = unpacker.unconsumed_tail
        total += len(piece)
        yield piece
        if total > limit:
            break  # the caller refuses it
    return at - len(unpacker.unused_data)


def _unzipped(octets: bytes, limit: int) -> Iterator[bytes]:
    """The one file of a zip. Its directory is read by hand: the standard library would make an
    object of each of a hundred thousand entries before it could be asked how many there are."""
    entry = _only_entry(octets)
    _, _, _, flags, method, _, _, crc, packed, size, *_ = entry
    offset = entry[-1]
    if flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
        raise BadReport("unsupported", "The report is encrypted, or packed in an unusual way.")
    if size > limit:
        raise BadReport("too large", f"The report unpacks to more than {limit} octets.")
    start = _content_start(octets, offset)
    content = octets[start : start + packed]
    if len(content) != packed:
        raise BadReport("damaged", "The report is cut short.")
    pieces: Iterator[bytes] = iter([content])
    if method == _DEFLATED:
        pieces = _pieces(zlib.decompressobj(wbits=-15), content, 0, size)
    total = found = 0
    for piece in pieces:
        total += len(piece)
        if total > size:
            break  # it lied about itself
        found = zlib.crc32(piece, found)
        yield piece
    if total != size or found != crc:
        raise BadReport("damaged", "The report is not what its zip says.")


def _only_entry(octets: bytes) -> tuple[int, ...]:
    at = octets.rfind(b"PK\x05\x06", max(0, len(octets) - _MAX_COMMENT - _END.size))
    if at < 0 or at + _END.size > len(octets):
        raise BadReport("damaged", "The zip has no directory.")
    _, disk, first_disk, here, entries, _, directory, _ = _END.unpack_from(octets, at)
    if disk or first_disk or here != entries or directory == 0xFFFFFFFF:
        raise BadReport("unsupported", "The zip is of a kind that reports do not need.")
    if entries != 1:
        raise BadReport("several files", f"The zip has {entries} files in place of one.")
    if directory + _ENTRY.size > at:
        raise BadReport("damaged", "The zip's directory is cut short.")
    entry: tuple[int, ...] = _ENTRY.unpack_from(octets, directory)
    if octets[directory : directory + 4] != b"PK\x01\x02":
        raise BadReport("damaged", "The zip's directory is not where it says.")
    return entry


def _content_start(octets: bytes, offset: int) -> int:
    if offset + _HEAD.size > len(octets) or octets[offset : offset + 4] != _ZIP:
        raise BadReport("damaged", "The zip's file is not where it says.")
    head = _HEAD.unpack_from(octets, offset)
    return int(offset + _HEAD.size + head[-2] + head[-1])
