"""A message's octets, wherever they lie, and what can be said of a part from them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Protocol

from pillarbox.errors import Damaged
from pillarbox.message import transfer
from pillarbox.message.part import Octets, Part

KNOWN_ENCODINGS = frozenset(
    {"", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue"}
)
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
AT_ONCE = 256 * 1024  # octets that are read and decoded in one go: a block of the store's
_EDGE = 2048  # octets at both ends of a large part that tell how its lines are
_LINE = re.compile(rb"([A-Za-z0-9+/]{4,1000})(\r?\n)")
_LAST_LINE = re.compile(rb"\n([A-Za-z0-9+/]{0,1000}={0,2})(\r?\n)?\Z")


def behind(at: int) -> int:
    """Where the store's block of an octet ends: whole blocks are read, so that none is twice."""
    return (at // AT_ONCE + 1) * AT_ONCE


class Readable(Protocol):
    """`store.blobs.content.Content`, or octets that are held."""

    size: int

    async def read(self, start: int, end: int) -> bytes:
        """Octets [start, end), cut to what there is."""


class Held:
    """Octets in memory or in a mapped file."""

    def __init__(self, octets: Octets) -> None:
        self._octets = octets
        self.size = len(octets)

    async def read(self, start: int, end: int) -> bytes:
        """Octets [start, end)."""
        return self._octets[start:end]


class Ahead:
    """Octets of which some more are read than asked for: parts are looked at one after another.

    What cannot be read is empty: one damaged message does not take a page's others with it.
    """

    def __init__(self, octets: Readable) -> None:
        self._octets = octets
        self._start = 0
        self._window = b""
        self.size = octets.size

    async def read(self, start: int, end: int) -> bytes:
        """Octets [start, end), or none."""
        try:
            if end - start >= AT_ONCE:
                return await self._octets.read(start, end)
            if start < self._start or end > self._start + len(self._window):
                self._window = await self._octets.read(start, start + AT_ONCE)
                self._start = start
        except Damaged:
            return b""
        return self._window[start - self._start : end - self._start]


class Source:
    """A message's octets by the offsets of its part tree."""

    def __init__(self, octets: Readable, root: Part | None, trace: int = 0) -> None:
        """`root`: of the tree, None before it is known; `trace`: octets in front of its own."""
        self.octets = octets
        self.root = root
        self.trace = trace

    async def header(self, part: Part, most: int) -> bytes:
        """A part's header, at most so many octets; the message's own begins with our trace."""
        end = min(part.body_start, part.header_start + most) + self.trace
        start = 0 if part is self.root else part.header_start + self.trace
        return await self.octets.read(start, end)

    async def body(self, part: Part) -> bytes:
        """A part's content, decoded."""
        return transfer.decode(await self.raw(part), part.encoding)

    async def raw(self, part: Part, most: int | None = None) -> bytes:
        """A part's body as it is in the message, or so many octets of its beginning."""
        start, end = part.body_start, part.body_end
        if most is not None:
            end = min(end, start + most)
        return await self.octets.read(start + self.trace, end + self.trace)

    async def chunks(self, part: Part) -> AsyncIterator[bytes]:
        """A part's content, decoded, piece by piece."""
        decoder = transfer.Decoder(part.encoding)
        at, end = part.body_start, part.body_end
        while at < end:
            stop = min(behind(at), end)
            raw = await self.octets.read(at + self.trace, stop + self.trace)
            decoded = decoder.feed(raw, last=stop == end)
            at = stop
            if decoded:
                yield decoded

    async def decoded_size(self, part: Part, *, exact: bool = False) -> int:
        """Octets of a part's content; not `exact`: a large file's is told from its lines."""
        size = part.body_end - part.body_start
        if part.encoding in _IDENTITY or part.encoding not in KNOWN_ENCODINGS or part.children:
            return size
        if size <= AT_ONCE:
            return len(await self.body(part))
        if part.encoding == "base64" and not exact:
            found = await self._size_by_lines(part, size)
            if found is not None:
                return found
        total = 0
        async for chunk in self.chunks(part):
            total += len(chunk)
        return total

    async def _size_by_lines(self, part: Part, size: int) -> int | None:
        """Of base64 whose lines are all of one length, without reading it; None: they are not.

        The number of lines, the first and the last one leave no room for others of other lengths
        unless somebody made them so.
        """
        start, end = part.body_start + self.trace, part.body_end + self.trace
        first = _LINE.match(await self.octets.read(start, start + _EDGE))
        last = _LAST_LINE.search(await self.octets.read(end - _EDGE, end))
        if first is None or last is None:
            return None
        digits, line = len(first[1]), len(first[0])
        whole = part.body_lines - 1
        if digits % 4 or len(last[1]) % 4 or whole * line + len(last[0]) - 1 != size:
            return None
        return (whole * digits + len(last[1])) // 4 * 3 - last[1].count(b"=")
