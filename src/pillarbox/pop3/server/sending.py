"""A message on its way to the client: RETR and TOP, in pieces when it is large."""

from __future__ import annotations

from typing import Protocol

from pillarbox.errors import PillarboxError
from pillarbox.message.header import header_end
from pillarbox.pop3.wire.replies import DotStuffer, TopCutter
from pillarbox.pop3.wire.surrogate import surrogate_header
from pillarbox.store.blobs.content import Content

WHOLE_OCTETS = 256 * 1024  # a message up to this is read and sent at once
_MOST_HEADERS = 8192  # octets; longer ones are looked for in the whole message


class NeedsUtf8(Exception):
    """The header is not ASCII, the client did not say UTF8, and surrogates are not wished."""


class CutShort(Exception):
    """The octets gave out in the middle of an answer: only closing tells the client."""


class Wire(Protocol):
    """Where answers go."""

    def send(self, octets: bytes) -> None:
        """Append to what is being answered."""

    async def room(self) -> bool:
        """Return when the client took enough of it; False: it is gone."""


async def send_message(
    wire: Wire, content: Content, first_line: bytes, *, lines: int | None, non_ascii: str
) -> None:
    """`lines`: of the body, None for all (RETR). `non_ascii`: "as-is", "surrogate" or "refuse".

    Raises NeedsUtf8 and the store's errors before anything was sent, CutShort after.
    """
    pieces = await content.pieces(0, WHOLE_OCTETS)  # not joined, which would copy them
    known = sum(map(len, pieces))
    if non_ascii != "as-is":
        pieces = _ascii_header(pieces, refuse=non_ascii == "refuse")
    stuffer = DotStuffer()
    top = TopCutter(lines) if lines is not None else None
    wire.send(first_line)
    for piece in pieces:
        wire.send(stuffer.feed(top.feed(piece) if top is not None else piece))
    if known < content.size and not (top is not None and top.done):
        await _send_rest(wire, content, known, stuffer, top)
    wire.send(stuffer.finish())


async def _send_rest(
    wire: Wire, content: Content, start: int, stuffer: DotStuffer, top: TopCutter | None
) -> None:
    try:
        async for chunk in content.chunks(start):
            if not await wire.room():
                raise CutShort
            wire.send(stuffer.feed(top.feed(chunk) if top is not None else chunk))
            if top is not None and top.done:
                return
    except PillarboxError as error:
        raise CutShort from error


def _ascii_header(pieces: list[bytes], *, refuse: bool) -> list[bytes]:
    """The same with its header in ASCII."""
    for piece in pieces:
        if not piece.isascii():  # looks at eight octets at a time
            break
    else:
        return pieces
    start = b"".join([*pieces[:-1], pieces[-1][:_MOST_HEADERS]])
    end = header_end(start, 0, len(start))
    if 0 < end < len(start) and start[:end].isascii():  # the rest need not be copied
        return pieces
    whole = b"".join(pieces)
    end = header_end(whole, 0, len(whole))
    header = whole[:end]
    if header.isascii():
        return pieces
    if refuse:
        raise NeedsUtf8
    return [surrogate_header(header), whole[end:]]
