"""Message octets in FETCH responses: sections, cut to the part asked for, raw or decoded.

A large stretch is sent block by block as it is read, decoded or not; nothing holds a whole large
message (RFC 9051 §6.4.5, RFC 3516 §4.2).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.imap.server.commands.fetch_syntax import ContentItem, Form
from pillarbox.imap.server.commands.sections import (
    Section,
    Stretch,
    find_part,
    find_stretch,
    pick_fields,
)
from pillarbox.imap.server.context import Context, No, Torn
from pillarbox.imap.server.quirks import NUL_STAND_IN
from pillarbox.imap.wire import codes
from pillarbox.message import transfer
from pillarbox.message.part import Part
from pillarbox.store.blobs.content import Content
from pillarbox.store.model import MessageRow

SEND_AT = 65_536  # octets that are gathered before they are sent
READ_WHOLE = 262_144  # a stretch up to this is read before anything of it is sent
HOLD = 1_048_576  # octets of one message's response that wait for its other items

_decode_part = msgspec.msgpack.Decoder(Part).decode
_KNOWN_ENCODINGS = frozenset(
    {"", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue"}
)


class Burst:
    """Gathers octets and sends them when there are enough."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pieces: list[bytes] = []
        self._size = 0
        self._sends = 0

    def mark(self) -> tuple[int, int, int]:
        """A place to `take_back` to."""
        return self._sends, len(self._pieces), self._size

    def take_back(self, mark: tuple[int, int, int]) -> bool:
        """Drop what was added since `mark`; False: some of it was sent already."""
        sends, pieces, size = mark
        if sends != self._sends:
            return False
        del self._pieces[pieces:]
        self._size = size
        return True

    def add(self, octets: bytes) -> None:
        self._pieces.append(octets)
        self._size += len(octets)

    async def pace(self, at: int = SEND_AT) -> None:
        """Send when at least `at` octets are gathered."""
        if self._size >= at:
            await self.send()

    async def send(self) -> None:
        """Send all that is gathered and wait until the client took enough of it."""
        if self._pieces:
            self.end()
            await self._ctx.drained()

    def end(self) -> None:
        """Let what is gathered leave with the tagged response: one write less for a few octets."""
        self._ctx.send_pieces(self._pieces)
        self._pieces = []
        self._size = 0
        self._sends += 1


class Opened:
    """One message whose octets are asked for."""

    def __init__(self, row: MessageRow, content: Content) -> None:
        self._row = row
        self._content = content
        self._root: Part | None = None
        self._header: tuple[Stretch, bytes] | None = None  # several items often pick from one

    async def write(self, burst: Burst, item: ContentItem) -> None:
        """Add "LABEL value" to the burst. Raises Damaged, No (before), Torn (amid)."""
        await burst.pace(HOLD)
        if item.form is not Form.RAW:
            await self._write_decoded(burst, item)
            return
        section = item.section
        stretch = self._find(section)
        if stretch is None:
            burst.add(item.label + b" NIL")
        elif section.picks_fields:
            picked = pick_fields(await self._header_of(stretch), section)
            burst.add(_literal(item.label, _cut(picked, item.partial)))
        else:
            await self._stream(burst, item.label, _narrow(stretch, item.partial))

    def _find(self, section: Section) -> Stretch | None:
        if section.is_whole:
            return Stretch(0, self._row.size)
        return find_stretch(section, self._structure(), len(self._row.trace), self._row.size)

    def _structure(self) -> Part:
        if self._root is None:
            self._root = _decode_part(self._row.structure)
        return self._root

    async def _header_of(self, stretch: Stretch) -> bytes:
        if self._header is None or self._header[0] != stretch:
            octets = await self._content.read(stretch.start, stretch.end)
            self._header = (stretch, octets)
        return self._header[1]

    async def _stream(self, burst: Burst, label: bytes, stretch: Stretch) -> None:
        size = stretch.end - stretch.start
        if size <= READ_WHOLE:
            pieces = await self._content.pieces(stretch.start, stretch.end)
            # Not joined, which would copy them. NUL: see `_literal`.
            burst.add(b"%b {%d}\r\n" % (label, size))
            for piece in pieces:
                burst.add(piece.replace(b"\0", NUL_STAND_IN) if b"\0" in piece else piece)
            return
        burst.add(b"%b {%d}\r\n" % (label, size))
        try:
            async for chunk in self._content.chunks(stretch.start, stretch.end, SEND_AT):
                burst.add(chunk.replace(b"\0", NUL_STAND_IN) if b"\0" in chunk else chunk)
                size -= len(chunk)
                await burst.pace()
        except PillarboxError as error:
            raise Torn from error  # the client still waits for the literal's other octets
        if size:
            raise Torn

    async def _write_decoded(self, burst: Burst, item: ContentItem) -> None:
        """A section without its transfer encoding, or the size of that (RFC 3516 §4.3)."""
        found = self._find_encoded(item.section)
        if found is None:
            none = b" 0" if item.form is Form.DECODED_SIZE else b" NIL"
            burst.add(item.label + none)
            return
        stretch, encoding = found
        if stretch.end - stretch.start <= READ_WHOLE:
            raw = await self._content.read(stretch.start, stretch.end)
            octets = transfer.decode(raw, encoding)
            if item.form is Form.DECODED_SIZE:
                burst.add(b"%b %d" % (item.label, len(octets)))
            else:
                burst.add(_literal(item.label, _cut(octets, item.partial)))
            return
        # Too large to be held: once to learn its size, once to send it.
        size, mark = 0, b""
        async for piece in self._decoded(stretch, encoding):
            size += len(piece)
            mark = mark or (b"~" if b"\0" in piece else b"")
        if item.form is Form.DECODED_SIZE:
            burst.add(b"%b %d" % (item.label, size))
            return
        wanted = _narrow(Stretch(0, size), item.partial)
        burst.add(b"%b %b{%d}\r\n" % (item.label, mark, wanted.end - wanted.start))
        await self._stream_decoded(burst, self._decoded(stretch, encoding), wanted)

    async def _stream_decoded(
        self, burst: Burst, pieces: AsyncIterator[bytes], wanted: Stretch
    ) -> None:
        at = 0
        try:
            async for piece in pieces:
                burst.add(piece[max(wanted.start - at, 0) : max(wanted.end - at, 0)])
                at += len(piece)
                await burst.pace()
        except PillarboxError as error:
            raise Torn from error  # the client still waits for the literal's other octets
        if at < wanted.end:
            raise Torn

    def _find_encoded(self, section: Section) -> tuple[Stretch, str] | None:
        """Where a section is and how it is encoded; None: there is none."""
        if section.is_whole:
            return Stretch(0, self._row.size), ""
        part = find_part(self._structure(), section.path)
        stretch = self._find(section)
        if part is None or stretch is None:
            return None
        encoding = part.encoding.lower()
        if encoding not in _KNOWN_ENCODINGS:
            raise No("A part's transfer encoding is not known here.", codes.UNKNOWN_CTE)
        return stretch, "" if part.children else encoding

    async def _decoded(self, stretch: Stretch, encoding: str) -> AsyncIterator[bytes]:
        decoder, left = transfer.Decoder(encoding), stretch.end - stretch.start
        async for chunk in self._content.chunks(stretch.start, stretch.end, SEND_AT):
            left -= len(chunk)
            yield decoder.feed(chunk, last=left <= 0)


def _narrow(stretch: Stretch, partial: tuple[int, int] | None) -> Stretch:
    if partial is None:
        return stretch
    start = min(stretch.start + partial[0], stretch.end)
    return Stretch(start, min(start + partial[1], stretch.end))


def _cut(octets: bytes, partial: tuple[int, int] | None) -> bytes:
    return octets if partial is None else octets[partial[0] : partial[0] + partial[1]]


def _literal(label: bytes, octets: bytes) -> bytes:
    # NUL may stand only in literal8, which only BINARY's answers may be (RFC 3516 §4.3).
    if b"\0" not in octets:
        return b"%b {%d}\r\n%b" % (label, len(octets), octets)
    if label.startswith(b"BINARY"):
        return b"%b ~{%d}\r\n%b" % (label, len(octets), octets)
    return b"%b {%d}\r\n%b" % (label, len(octets), octets.replace(b"\0", NUL_STAND_IN))
