"""A message's octets as an export holds them; exactly the same can be made of them again."""

from __future__ import annotations

import re

_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def has_plain_line_ends(octets: bytes) -> bool:
    """Whether LF can stand for each CR LF without a loss: no LF or CR is on its own."""
    pairs = octets.count(b"\r\n")
    return octets.count(b"\n") == pairs and octets.count(b"\r") == pairs


def with_lf(octets: bytes) -> bytes:
    """The line ends of files."""
    return octets.replace(b"\r\n", b"\n")


def quote_from(octets: bytes) -> bytes:
    """mboxrd: a ">" before each line that begins with From_, quoted or not; whole lines only."""
    return _FROM.sub(rb">\1", octets) if b"From " in octets else octets
