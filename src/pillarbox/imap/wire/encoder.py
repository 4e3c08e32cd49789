"""Values → octets in the forms of RFC 9051 §4."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pillarbox.imap.wire import modified_utf7

NIL = b"NIL"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]{0,1024}\Z")
_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+\Z")
_LONGEST_QUOTED = 1024  # a client's line buffer may be short; literals have no such trouble
_LAST_INSTANT = 253_402_300_799  # the end of the year 9999


def encode_string(octets: bytes) -> bytes:
    """Quoted where seven bits allow it, else a literal."""
    if _QUOTABLE.match(octets):
        return _quote(octets)
    return encode_literal(octets)


def encode_literal(octets: bytes) -> bytes:
    """A literal as a server sends it (RFC 9051 §4.3)."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def encode_nstring(octets: bytes | None) -> bytes:
    """A string, or NIL for None."""
    return NIL if octets is None else encode_string(octets)


def encode_astring(octets: bytes) -> bytes:
    """An atom where the grammar allows it and nobody could read it as NIL, else a string."""
    if _ATOM.match(octets) and octets.upper() != NIL:
        return octets
    return encode_string(octets)


def encode_text(text: str, *, utf8: bool = False) -> bytes:
    """A string of any characters: quoted UTF-8 where enabled, else quoted ASCII or a literal."""
    octets = text.encode("utf-8", "replace")
    if utf8 and len(octets) <= _LONGEST_QUOTED and not _unquotable(octets):
        return _quote(octets)
    return encode_string(octets)


def encode_mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A mailbox name: always a string, so that no client trips over an odd atom."""
    return encode_text(name, utf8=True) if utf8 else encode_string(modified_utf7.encode(name))


def encode_list(items: Iterable[bytes]) -> bytes:
    """A parenthesized list of encoded items."""
    return b"(%b)" % b" ".join(items)


def encode_flags(names: Iterable[str]) -> bytes:
    """A flag list; keywords are atoms by the time that they are stored."""
    return f"({' '.join(names)})".encode("ascii", "replace")


def encode_date_time(seconds: int) -> bytes:
    """INTERNALDATE's form (RFC 9051 §9 date-time), in UTC; instants out of range are clamped."""
    at = datetime.fromtimestamp(min(max(seconds, 0), _LAST_INSTANT), UTC)
    month = MONTHS[at.month - 1]
    return f'"{at.day:2d}-{month}-{at.year} {at:%H:%M:%S} +0000"'.encode("ascii")


def _quote(octets: bytes) -> bytes:
    if b"\\" in octets or b'"' in octets:
        octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%b"' % octets


def _unquotable(octets: bytes) -> bool:
    return b"\r" in octets or b"\n" in octets or b"\0" in octets
