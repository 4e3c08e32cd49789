"""Transfer encodings undone (RFC 2045 §6), whole or in steps. Never raises."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from pillarbox.message.part import Octets, Part

STEP = 256 * 1024  # octets read at a time

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDING = re.compile(rb"=++")
_BROKEN_BREAK = re.compile(rb"=\r(?!\n)")  # binascii would drop all up to the next line
_UU_START = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ", re.MULTILINE)


def decode(raw: bytes, encoding: str) -> bytes:
    """The octets behind a transfer encoding; an unknown one counts as none."""
    if encoding == "base64":
        return _decode_base64(raw)[0]
    if encoding == "quoted-printable":
        return _decode_quoted(raw)
    if encoding in ("x-uuencode", "uuencode", "x-uue"):
        return _decode_uu(raw)
    return raw


def decoded_chunks(octets: Octets, part: Part, step: int = STEP) -> Iterator[bytes]:
    """The decoded body piece by piece; at most about `step` octets are held at a time."""
    kept = b""
    at = part.body_start
    end = part.body_end
    encoding = part.encoding
    while at < end:
        stop = min(at + step, end)
        raw = kept + octets[at:stop]
        at = stop
        kept = b""
        if encoding == "base64":
            decoded, kept = _decode_base64(raw, last=at == end)
        elif encoding == "quoted-printable":
            # Cut behind a line end; in a line without end, before a broken-off "=3D".
            cut = raw.rfind(b"\n") + 1 if at < end else len(raw)
            if not cut:
                equals = raw.rfind(b"=", len(raw) - 3)
                cut = equals if equals > 0 else len(raw)
            decoded, kept = _decode_quoted(raw[:cut]), raw[cut:]
        elif encoding in ("x-uuencode", "uuencode", "x-uue"):
            decoded = _decode_uu(octets[part.body_start : end])
            at = end
        else:
            decoded = raw
        if decoded:
            yield decoded


def _decode_quoted(raw: bytes) -> bytes:
    return binascii.a2b_qp(_BROKEN_BREAK.sub(b"", raw))


def _decode_base64(raw: bytes, *, last: bool = True) -> tuple[bytes, bytes]:
    """What could be decoded, and up to three characters that wait for more.

    Padding ends a run of digits, not the whole: some programs encode line by line.
    """
    runs = _PADDING.split(_NOT_BASE64.sub(b"", raw))
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
    start = _UU_START.search(raw)
    if start is None:
        return raw
    pieces: list[bytes] = []
    for line in raw[start.end() :].splitlines()[1:]:
        if line in (b"end", b"`", b" "):
            break
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(pieces)
