"""Strings as IMAP writes them in ENVELOPE and BODYSTRUCTURE (RFC 9051 §4.3, RFC 3501 §4.3).

Printable ASCII is quoted, all else a literal: the same octets are right for both revisions.
"""

from __future__ import annotations

_SAFE = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\')
_PRINTABLE = bytes(range(0x20, 0x7F))


def encode_string(value: bytes) -> bytes:
    """A string, never NIL."""
    if not value.translate(None, _SAFE):
        return b'"' + value + b'"'
    return _encode_odd(value)


def encode_nstring(value: bytes | None) -> bytes:
    """A string, NIL for None."""
    if value is None:
        return b"NIL"
    if not value.translate(None, _SAFE):
        return b'"' + value + b'"'
    return _encode_odd(value)


def _encode_odd(value: bytes) -> bytes:
    value = value.replace(b"\t", b" ")
    if not value.translate(None, _PRINTABLE):
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    value = value.replace(b"\0", b"?")  # no string may hold NUL (RFC 9051 §9, CHAR8)
    return b"{%d}\r\n" % len(value) + value
