"""A server's certificates against the TLSA records of its host (RFC 7672 §3). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from msgspec import Struct

from pillarbox.dns.answer import Tlsa
from pillarbox.trust.dane.path import BadPath, Result, presented_names, verify_path
from pillarbox.trust.dane.records import CERTIFICATE, DANE_EE, DANE_TA, FULL, matches_record
from pillarbox.trust.wildcard import matches_name

MAX_CHAIN = 10  # certificates; servers send 2 to 4
MAX_CERTIFICATE_OCTETS = 65_536


# What the library raises at certificates that only look like some, often late, at one field.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class DaneResult(Struct, frozen=True):
    """What became of one check."""

    verified: bool
    result: Result | Literal[""]  # the name of the failure in TLS reports (RFC 8460 §4.3)
    why: str
    record: Tlsa | None = None  # that the certificate matched


def verify_chain(
    chain: Sequence[bytes], records: Sequence[Tlsa], names: Sequence[str], now: datetime
) -> DaneResult:
    """`chain`: DER, the server's own first. `records`: the usable ones, at least one.

    `names` are those of `reference_names`; a record of usage DANE-EE asks neither for them nor
    for a date (RFC 7672 §3.1.1), since the DNS itself binds the key to the name.
    """
    certificates = _parse(chain)
    if not certificates:
        return DaneResult(False, "validation-failure", "the certificate cannot be read")
    leaf, others = certificates[0], certificates[1:]
    for record in records:
        if record.usage == DANE_EE and _matches(leaf, record):
            return DaneResult(True, "", "the certificate is the published one", record)
    promised, anchors = _anchors(others, records)
    if promised is None:
        why = "no certificate of the chain is a published one"
        return DaneResult(False, "certificate-not-trusted", why)
    try:
        verify_path(leaf, others, anchors, now)
        if not any(matches_name(p, name) for p in presented_names(leaf) for name in names):
            raise BadPath("certificate-host-mismatch", "the certificate has none of the names")
    except BadPath as bad:
        return DaneResult(False, bad.result, bad.why)
    except _UNREADABLE:
        return DaneResult(False, "validation-failure", "a certificate cannot be read")
    return DaneResult(True, "", "the chain leads to the published trust anchor", promised)


def _parse(chain: Sequence[bytes]) -> list[x509.Certificate]:
    """Those that can be read; none if the server's own cannot."""
    found = []
    for number, octets in enumerate(chain[:MAX_CHAIN]):
        try:
            if len(octets) > MAX_CERTIFICATE_OCTETS:
                raise ValueError
            found.append(x509.load_der_x509_certificate(octets))
        except _UNREADABLE:
            if number == 0:
                return []
    return found


def _matches(certificate: x509.Certificate, record: Tlsa) -> bool:
    try:
        return matches_record(certificate, record)
    except _UNREADABLE:
        return False


def _anchors(
    others: Sequence[x509.Certificate], records: Sequence[Tlsa]
) -> tuple[Tlsa | None, list[x509.Certificate]]:
    """The certificates that DANE-TA records mean, of the chain or of a record itself."""
    first, anchors = None, []
    for record in records:
        if record.usage != DANE_TA:
            continue
        found = [other for other in others if _matches(other, record)]
        if not found and (record.selector, record.matching) == (CERTIFICATE, FULL):
            found = _parse([record.association])
        if found:
            first = first or record
            anchors += found
    return first, anchors
