"""White space of the relaxed forms: runs of spaces and tabs become one space (RFC 6376 §3.4)."""

from __future__ import annotations


def collapse(octets: bytes) -> bytes:
    """Every run of SP and HTAB as one SP. Searches of C speed, each halving the longest run."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    if b" " not in octets:
        return octets
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets


def crlf(octets: bytes) -> bytes:
    """With CRLF for each LF that stands alone; CR alone stays."""
    if octets.count(b"\n") == octets.count(b"\r\n"):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
