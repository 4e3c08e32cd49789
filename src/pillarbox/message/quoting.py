"""Transfer encodings made, in steps (RFC 2045 §6.7, §6.8)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from pillarbox.message.part import Octets

_BASE64_LINE = 57  # octets that make a line of 76
_BASE64_STEP = 800 * _BASE64_LINE
_QUOTED_LINE = 75  # characters, and "=" behind them
_LONG_TEXT = 32 * 1024  # octets of one line that are encoded at a time
_HIGH_OCTET = re.compile(rb"[\x00\x80-\xff]")
_TO_QUESTION = bytes(b"?"[0] if octet == 0 or octet > 127 else octet for octet in range(256))


def needs_encoding(piece: bytes, *, seven_bit: bool, max_line: int, raw: bool) -> bool:
    """Whether these lines cannot travel as they are; `raw`: a CR or LF on its own is content."""
    if (seven_bit and not piece.isascii()) or b"\0" in piece:
        return True
    pairs = piece.count(b"\r\n")
    if raw and (piece.count(b"\n") != pairs or piece.count(b"\r") != pairs):
        return True
    return len(piece) > max_line and any(
        len(line.rstrip(b"\r")) > max_line for line in piece.split(b"\n")
    )


def whole_lines(octets: Octets, start: int, end: int, step: int) -> Iterator[bytes]:
    """The octets of `[start, end)` cut behind line ends, about `step` at a time."""
    while start < end:
        stop = min(start + step, end)
        if stop < end:
            cut = octets.rfind(b"\n", start, stop) + 1
            stop = cut or stop
        yield octets[start:stop]
        start = stop


def encode_base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of 76 characters, the last one without its end: it belongs to what follows."""
    held = b""
    first = True
    for piece in pieces:
        held += piece
        whole = len(held) - len(held) % _BASE64_LINE
        if whole == len(held):
            whole -= _BASE64_LINE  # what may be the last line waits
        for at in range(0, whole, _BASE64_STEP):
            yield _base64_lines(held[at : min(at + _BASE64_STEP, whole)], first=first)
            first = False
        held = held[max(whole, 0) :]
    if held:
        yield _base64_lines(held, first=first)


def _base64_lines(octets: bytes, *, first: bool) -> bytes:
    lines = [
        binascii.b2a_base64(octets[at : at + _BASE64_LINE], newline=False)
        for at in range(0, len(octets), _BASE64_LINE)
    ]
    return (b"" if first else b"\r\n") + b"\r\n".join(lines)


def encode_quoted(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Quoted-printable text; CR LF alone is a line end, a CR or LF on its own is content."""
    held = b""
    for piece in pieces:
        held += piece
        cut = held.rfind(b"\r\n") + 2
        if cut >= 2:
            yield b"".join(_quoted_line(line) + b"\r\n" for line in held[: cut - 2].split(b"\r\n"))
            held = held[cut:]
        while len(held) > _LONG_TEXT:
            # A soft line break ends the piece, so the next may begin anywhere.
            yield _quoted_line(held[:_LONG_TEXT]) + b"=\r\n"
            held = held[_LONG_TEXT:]
    if held:
        yield _quoted_line(held)


def _quoted_line(line: bytes) -> bytes:
    """One line without its end."""
    if line.isascii() and len(line) <= _QUOTED_LINE and line.isalnum():
        return line
    # As binary: then CR, LF and white space at the end are written out.
    return binascii.b2a_qp(line, quotetabs=False, istext=False).replace(b"=\n", b"=\r\n")


def escape_high(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What may not stand in quoted-printable text becomes what it should have been."""
    for piece in pieces:
        yield _HIGH_OCTET.sub(lambda found: b"=%02X" % found[0][0], piece)


def question_high(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What nobody reads, in ASCII."""
    for piece in pieces:
        yield piece.translate(_TO_QUESTION)


ENCODERS: Mapping[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "quoted-printable": encode_quoted,
    "base64": encode_base64,
    "escape": escape_high,
    "question": question_high,
}
