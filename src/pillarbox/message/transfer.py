"""Transfer encodings undone (RFC 2045 §6), whole or in steps. Never raises."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from enum import Enum, auto

from pillarbox.message.part import Octets, Part

STEP = 256 * 1024  # octets read at a time

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(octet for octet in range(256) if octet not in _BASE64)
_PADDING = re.compile(rb"=++")
_BROKEN_BREAK = re.compile(rb"=\r(?!\n)")  # binascii would drop all up to the next line
_UU_START = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ", re.MULTILINE)


_UU_NAMES = frozenset({"x-uuencode", "uuencode", "x-uue"})
_UU_LINE = 1024  # octets; 45 of them make a line of 61


class _Uu(Enum):
    BEFORE = auto()  # the "begin" line was not met
    LINES = auto()
    ENDED = auto()
    PLAIN = auto()  # it never came: the octets are taken as they are


def decode(raw: bytes, encoding: str) -> bytes:
    """The octets behind a transfer encoding; an unknown one counts as none."""
    if encoding == "base64":
        return _decode_base64(raw)[0]
    if encoding == "quoted-printable":
        return _decode_quoted(raw)
    if encoding in _UU_NAMES:
        return _decode_uu(raw)
    return raw


class Decoder:
    """Undoes an encoding in steps, holding no more than a step and a line."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._kept = b""  # what waits for more octets
        self._uu = _Uu.BEFORE

    def feed(self, octets: bytes, *, last: bool) -> bytes:
        """What can be decoded now; `last` says that nothing will follow."""
        raw = self._kept + octets
        self._kept = b""
        if self._encoding == "base64":
            decoded, self._kept = _decode_base64(raw, last=last)
            return decoded
        if self._encoding == "quoted-printable":
            cut = len(raw) if last else _quoted_cut(raw)
            self._kept = raw[cut:]
            return _decode_quoted(raw[:cut])
        if self._encoding in _UU_NAMES:
            return self._feed_uu(raw, last=last)
        return raw

    def _feed_uu(self, raw: bytes, *, last: bool) -> bytes:
        if self._uu is _Uu.BEFORE:
            start = _UU_START.search(raw)
            line_end = raw.find(b"\n", start.end()) if start is not None else -1
            if line_end < 0 and not last and len(raw) < STEP:
                self._kept = raw
                return b""
            self._uu = _Uu.LINES if line_end >= 0 else _Uu.PLAIN
            raw = raw[line_end + 1 :]
        if self._uu is not _Uu.LINES:
            return raw if self._uu is _Uu.PLAIN else b""
        cut = len(raw) if last else raw.rfind(b"\n") + 1
        rest = raw[cut:]
        self._kept = rest if len(rest) <= _UU_LINE else b""  # no line of it is as long
        decoded, ended = _decode_uu_lines(raw[:cut])
        if ended:
            self._uu = _Uu.ENDED
        return decoded


def decoded_chunks(octets: Octets, part: Part, step: int = STEP) -> Iterator[bytes]:
    """The decoded body piece by piece; at most about `step` octets are held at a time."""
    decoder = Decoder(part.encoding)
    at, end = part.body_start, part.body_end
    while at < end:
        stop = min(at + step, end)
        decoded = decoder.feed(octets[at:stop], last=stop == end)
        at = stop
        if decoded:
            yield decoded


def _quoted_cut(raw: bytes) -> int:
    """Behind a line end; in a line without end, before a broken-off "=3D"."""
    cut = raw.rfind(b"\n") + 1
    if cut:
        return cut
    equals = raw.rfind(b"=", max(0, len(raw) - 2))
    return equals if equals >= 0 else len(raw)


def _decode_quoted(raw: bytes) -> bytes:
    return binascii.a2b_qp(_BROKEN_BREAK.sub(b"", raw))


def _decode_base64(raw: bytes, *, last: bool = True) -> tuple[bytes, bytes]:
    """What could be decoded, and up to three characters that wait for more.

    Padding ends a run of digits, not the whole: some programs encode line by line.
    """
    digits = raw.translate(None, _NOT_BASE64)
    run = digits.rstrip(b"=")
    if b"=" in run:
        runs = _PADDING.split(digits)
    else:  # nearly always; a search for padding would cost more than all the rest
        runs = [run, b""] if len(run) < len(digits) else [run]
    kept = b""
    if not last:
        run = runs[-1]
        whole = len(run) - len(run) % 4
        runs[-1], kept = run[:whole], run[whole:]
    return b"".join([_decode_run(run) for run in runs]), kept


def _decode_run(digits: bytes) -> bytes:
    over = len(digits) % 4
    if over == 1:  # six bits are no octet
        digits = digits[:-1]
    elif over:
        digits += b"=" * (4 - over)
    return binascii.a2b_base64(digits)


def _decode_uu(raw: bytes) -> bytes:
    return Decoder("uuencode").feed(raw, last=True)


def _decode_uu_lines(raw: bytes) -> tuple[bytes, bool]:
    """The octets of whole lines, and whether the end was among them."""
    pieces: list[bytes] = []
    for line in raw.splitlines():
        if line in (b"end", b"`", b" "):
            return b"".join(pieces), True
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(pieces), False
