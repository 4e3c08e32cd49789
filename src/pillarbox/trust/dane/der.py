"""The public key of a certificate in the octets that its owner encoded.

Encoding a parsed key anew would not always give those back (RSA keys that are named for PSS), nor
can every key be parsed, and a digest in a TLSA record is of the octets themselves.
"""

from __future__ import annotations

_SEQUENCE, _VERSION = 0x30, 0xA0
_BEFORE_KEY = 5  # serial number, algorithm, issuer, validity, subject (RFC 5280 §4.1)


def public_key_octets(tbs_certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo of the signed part of a certificate. Raises ValueError."""
    start, _ = _element(tbs_certificate, 0, _SEQUENCE)
    if tbs_certificate[start] == _VERSION:
        start = _element(tbs_certificate, start)[1]
    for _ in range(_BEFORE_KEY):
        start = _element(tbs_certificate, start)[1]
    return tbs_certificate[start : _element(tbs_certificate, start, _SEQUENCE)[1]]


def _element(octets: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Where the contents of the element at `at` start and end."""
    if at + 2 > len(octets) or (tag is not None and octets[at] != tag):
        raise ValueError("not the element that is expected")
    length, start = octets[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 3:
            raise ValueError("a length that no certificate has")
        length, start = int.from_bytes(octets[start : start + count], "big"), start + count
    if start + length > len(octets):
        raise ValueError("an element past the end")
    return start, start + length
