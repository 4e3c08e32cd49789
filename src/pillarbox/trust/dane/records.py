"""TLSA records: which of them can be used, and what they match (RFC 6698 §2.1, RFC 7671 §9)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pillarbox.dns.answer import Tlsa
from pillarbox.trust.dane.der import public_key_octets

DANE_TA, DANE_EE = 2, 3  # usages: a trust anchor, the server's own
CERTIFICATE, PUBLIC_KEY = 0, 1  # selectors
FULL, SHA_256, SHA_512 = 0, 1, 2  # matching types

MAX_RECORDS = 64  # of one host; each is compared with each certificate

_LENGTHS = {SHA_256: 32, SHA_512: 64}


def usable_records(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """Without what is unsupported or malformed, and without digests that a stronger one replaces.

    PKIX usages (0, 1) are unusable for SMTP (RFC 7672 §3.1.3). None left, though some are there,
    still means that the host has TLS: then it is demanded, and the peer's name is not checked.
    """
    usable = [record for record in records if _is_usable(record)][:MAX_RECORDS]
    strong = {(r.usage, r.selector) for r in usable if r.matching == SHA_512}
    return tuple(r for r in usable if r.matching != SHA_256 or (r.usage, r.selector) not in strong)


def _is_usable(record: Tlsa) -> bool:
    if record.usage not in (DANE_TA, DANE_EE) or record.selector not in (CERTIFICATE, PUBLIC_KEY):
        return False
    if record.matching == FULL:
        return len(record.association) > 0
    return len(record.association) == _LENGTHS.get(record.matching)


def associated(certificate: x509.Certificate, selector: int, matching: int) -> bytes:
    """What a record with these numbers says of a certificate (RFC 6698 §2.1.4)."""
    if selector == CERTIFICATE:
        octets = certificate.public_bytes(Encoding.DER)
    else:
        octets = public_key_octets(certificate.tbs_certificate_bytes)
    if matching == SHA_256:
        return hashlib.sha256(octets).digest()
    if matching == SHA_512:
        return hashlib.sha512(octets).digest()
    return octets


def matches_record(certificate: x509.Certificate, record: Tlsa) -> bool:
    """Whether a (usable) record means this certificate, its usage aside."""
    return associated(certificate, record.selector, record.matching) == record.association


def own_record(certificate: x509.Certificate) -> Tlsa:
    """The record to publish for our certificate: "3 1 1", which its renewal with the same key
    does not change (RFC 7672 §3.1.1)."""
    return Tlsa(DANE_EE, PUBLIC_KEY, SHA_256, associated(certificate, PUBLIC_KEY, SHA_256))


def encode_tlsa(record: Tlsa) -> str:
    """As zone files and TLS reports write it (RFC 6698 §2.2)."""
    return f"{record.usage} {record.selector} {record.matching} {record.association.hex()}"
