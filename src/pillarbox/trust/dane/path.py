"""From a server's certificate to a trust anchor that the DNS names (RFC 7671 §5.2).

The anchor is whatever the domain chose, often a private authority, so that the rules of the public
ones are not asked for; those of RFC 5280 §6.1 that protect the anchor's own limits are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

Result = Literal[
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
]

_HASHES = frozenset({"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"})
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,  # says under which rules it was issued: we have none
    }
)
_E = TypeVar("_E", bound=x509.ExtensionType)


class BadPath(Exception):
    """The certificate does not lead to an anchor; `result` is the name in TLS reports."""

    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result: Result = result
        self.why = why


def verify_path(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    """Raises BadPath unless one of the anchors issued the leaf, directly or by way of `others`."""
    path = _find_path(leaf, others, anchors)
    if path is None:
        raise BadPath("certificate-not-trusted", "no path leads to the published trust anchor")
    for certificate in path:
        _check_time(certificate, now)
        _check_critical(certificate)
    for below, authority in enumerate(path[1:]):
        _check_authority(authority, below)
        _check_name_constraints(authority, leaf)
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    wanted = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usage is not None and wanted.isdisjoint(usage):
        raise BadPath("certificate-not-trusted", "the certificate is not one for servers")


def _find_path(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
) -> list[x509.Certificate] | None:
    """The shortest. Each certificate is climbed to once, so the work is bounded by their number
    squared."""
    paths, left = [[leaf]], list(others)
    while paths:
        path = paths.pop(0)
        for anchor in anchors:
            if _issued(path[-1], anchor):
                return [*path, anchor]
        for issuer in [other for other in left if _issued(path[-1], other)]:
            left.remove(issuer)
            paths.append([*path, issuer])
    return None


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        algorithm = certificate.signature_hash_algorithm  # None: Ed25519 and its like
        if algorithm is not None and algorithm.name not in _HASHES:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise BadPath("certificate-expired", "a certificate has expired")
    if now < certificate.not_valid_before_utc:
        raise BadPath("certificate-not-trusted", "a certificate is not valid yet")


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in _extensions(certificate):
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise BadPath(
                "certificate-not-trusted",
                f"the critical extension {extension.oid.dotted_string} is not understood",
            )


def _check_authority(authority: x509.Certificate, below: int) -> None:
    """`below` authorities stand between this one and the server's certificate."""
    constraints = _extension(authority, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise BadPath("certificate-not-trusted", "an issuer is no certificate authority")
    if constraints.path_length is not None and below > constraints.path_length:
        raise BadPath("certificate-not-trusted", "the chain is longer than an authority allows")
    usage = _extension(authority, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise BadPath("certificate-not-trusted", "an issuer's key may not sign certificates")


def _check_name_constraints(authority: x509.Certificate, leaf: x509.Certificate) -> None:
    """Only those on DNS names, since nothing else of a certificate is used here."""
    constraints = _extension(authority, x509.NameConstraints)
    if constraints is None:
        return
    permitted = [n.value for n in constraints.permitted_subtrees or () if _is_dns(n)]
    excluded = [n.value for n in constraints.excluded_subtrees or () if _is_dns(n)]
    for name in presented_names(leaf):
        if permitted and not any(_is_within(name, tree) for tree in permitted):
            raise BadPath("certificate-not-trusted", "a name is outside the authority's own")
        if any(_is_within(name, tree) for tree in excluded):
            raise BadPath("certificate-not-trusted", "a name is one the authority excludes")


def _is_dns(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.DNSName)


def _is_within(name: str, tree: str) -> bool:
    name, tree = name.lower(), tree.lower().removeprefix(".")
    return name == tree or not tree or name.endswith(f".{tree}")


def presented_names(leaf: x509.Certificate) -> list[str]:
    """DNS names of the certificate; its common name only if it has none (RFC 7672 §3.2.3)."""
    alternative = _extension(leaf, x509.SubjectAlternativeName)
    names = alternative.get_values_for_type(x509.DNSName) if alternative is not None else []
    if names:
        return names
    try:
        attributes = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return [a.value for a in attributes if isinstance(a.value, str)]
    except ValueError:  # a subject that is not text
        return []


def _extensions(certificate: x509.Certificate) -> x509.Extensions:
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise BadPath("certificate-not-trusted", "an extension cannot be read") from error


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return _extensions(certificate).get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
