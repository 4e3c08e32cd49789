"""Encoded words in header fields (RFC 2047), and raw 8-bit octets, to text. Never raises."""

from __future__ import annotations

import binascii
import re

from pillarbox.message.charset import decode as decode_charset
from pillarbox.message.charset import guess

# White space between two encoded words is not part of the text (RFC 2047 §6.2). Spaces inside the
# words are wrong but common; a word never holds a "?".
_WORD = re.compile(rb"=\?([^?\s]{1,64}+)\?([QqBb])\?([^?]*+)\?=")
_JUNK = re.compile(rb"[^A-Za-z0-9+/]+")


def decode(raw: bytes, charset: str | None = None) -> str:
    """The text of an unfolded header value; raw 8-bit octets are UTF-8 or else in `charset`."""
    if b"=?" not in raw:
        return raw.decode("ascii") if raw.isascii() else _plain(raw, charset)
    pieces: list[str] = []
    # Words of one charset side by side are joined before decoding: some programs cut inside a
    # character (RFC 2047 §5 forbids it).
    run = b""
    run_charset = ""
    at = 0
    for match in _WORD.finditer(raw):
        between = raw[at : match.start()]
        at = match.end()
        name = match.group(1).split(b"*", 1)[0].decode("latin-1").lower()  # RFC 2231 §5: language
        octets = _undo(match.group(2), match.group(3))
        if run_charset and not between.strip():
            if name == run_charset:
                run += octets
                continue
            between = b""
        if run_charset:
            pieces.append(decode_charset(run, run_charset))
        pieces.append(_plain(between, charset))
        run, run_charset = octets, name
    if run_charset:
        pieces.append(decode_charset(run, run_charset))
    pieces.append(_plain(raw[at:], charset))
    return "".join(pieces)


def _plain(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return guess(raw) if charset is None else decode_charset(raw, charset)


def _undo(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Qq":
        return binascii.a2b_qp(text, header=True)
    text = _JUNK.sub(b"", text)
    if len(text) % 4 == 1:
        text = text[:-1]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
