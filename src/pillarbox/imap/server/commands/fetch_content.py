"""Message octets in FETCH responses: sections, cut to the part asked for, raw or decoded.

A large stretch is sent block by block as it is read; nothing holds a whole large message but the
decoding of a part (RFC 9051 §6.4.5, RFC 3516 §4.2).
"""

from __future__ import annotations

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
            self._ctx.send_octets(b"".join(self._pieces))
            self._pieces.clear()
            self._size = 0
            self._sends += 1
            await self._ctx.drained()


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
            burst.add(await self._decoded_value(item))
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
            octets = await self._content.read(stretch.start, stretch.end)
            burst.add(_literal(label, octets))
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

    async def _decoded_value(self, item: ContentItem) -> bytes:
        octets = await self._decoded(item.section)
        if item.form is Form.DECODED_SIZE:
            return b"%b %d" % (item.label, len(octets or b""))
        if octets is None:
            return item.label + b" NIL"
        return _literal(item.label, _cut(octets, item.partial))

    async def _decoded(self, section: Section) -> bytes | None:
        """A section without its transfer encoding (RFC 3516 §4.3)."""
        if section.is_whole:
            return await self._content.read(0, self._row.size)
        part = find_part(self._structure(), section.path)
        stretch = self._find(section)
        if part is None or stretch is None:
            return None
        if part.encoding.lower() not in _KNOWN_ENCODINGS:
            raise No("A part's transfer encoding is not known here.", codes.UNKNOWN_CTE)
        raw = await self._content.read(stretch.start, stretch.end)
        return raw if part.children else transfer.decode(raw, part.encoding.lower())


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
