"""The DKIM-Signature field as a value (RFC 6376 §3.5), also those of ARC (RFC 8617 §4.1)."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.trust.dkim.header import Canon
from pillarbox.trust.dkim.result import DkimResult, Unverified
from pillarbox.trust.dkim.tags import BadTags, Tags, squeeze

ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}  # name → type of its key
_CANONS: dict[str, Canon] = {"simple": "simple", "relaxed": "relaxed"}
_HEADER_B = 8  # characters of b= that tell signatures apart (RFC 6008 §4)
_TIME_DIGITS = 12
_LENGTH_DIGITS = 76


class Sealed(Struct, frozen=True):
    """What a signature and a seal have in common: who, with which key, over which octets."""

    domain: str  # d=, in the form of the DNS
    selector: str
    algorithm: str
    octets: bytes  # b=
    signed_at: int | None
    expires_at: int | None
    b_span: tuple[int, int]  # of b= in the field's value

    @property
    def key_name(self) -> str:
        """Where the key is published (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


class Signature(Sealed, frozen=True, kw_only=True):
    """What a signature over a message says of itself; nothing is verified yet."""

    identity: str  # i= as written, or "@" and the domain
    identity_domain: str  # its domain, in the form of the DNS
    header_canon: Canon
    body_canon: Canon
    signed: tuple[bytes, ...]  # h=, in lower case
    body_hash: bytes
    body_length: int | None = None  # l=


def outline(tags: Tags) -> DkimResult:
    """What can be said of a signature whether it is sound or not."""

    def said(name: bytes) -> str:
        return squeeze(tags.values.get(name, b"")).decode(errors="replace")

    domain = said(b"d").lower()
    return DkimResult(
        "neutral",
        domain=domain,
        selector=said(b"s").lower(),
        identity=said(b"i") or f"@{domain}",
        algorithm=said(b"a").lower(),
        signature=said(b"b")[:_HEADER_B],
    )


def parse_dkim(tags: Tags) -> Signature:
    """Raises BadTags: it cannot be read, or Unverified: it cannot count (RFC 6376 §6.1.1)."""
    if tags.text(b"v") != "1":
        raise BadTags("v= is not 1")
    signature = parse_signature(tags)
    if b"i" not in tags.values:
        return signature
    identity = tags.text(b"i")
    domain = _name(identity.rpartition("@")[2], "i=")
    if domain != signature.domain and not domain.endswith("." + signature.domain):
        raise Unverified("permerror", "i= is not within the domain of d=")
    return msgspec.structs.replace(signature, identity=identity, identity_domain=domain)


def parse_signature(tags: Tags) -> Signature:
    """All but v= and i=, which ARC uses otherwise. Raises BadTags or Unverified."""
    seal = parse_seal(tags)
    body_hash = tags.octets(b"bh")
    signed = tuple(name.encode() for name in tags.words(b"h"))
    header_canon, _, body_canon = tags.text(b"c", "simple/simple").lower().partition("/")
    if header_canon not in _CANONS or (body_canon or "simple") not in _CANONS:
        raise BadTags("c= is not known")
    if b"from" not in signed:
        raise Unverified("permerror", "From is not signed")
    if "dns/txt" not in tags.words(b"q", "dns/txt"):
        raise BadTags("q= is not known")
    return Signature(
        **{name: getattr(seal, name) for name in Sealed.__struct_fields__},
        identity=f"@{seal.domain}",
        identity_domain=seal.domain,
        header_canon=_CANONS[header_canon],
        body_canon=_CANONS[body_canon or "simple"],
        signed=signed,
        body_hash=body_hash,
        body_length=tags.number(b"l", _LENGTH_DIGITS),
    )


def parse_seal(tags: Tags) -> Sealed:
    """The tags of an ARC-Seal, which a signature has too. Raises BadTags or Unverified."""
    algorithm = tags.text(b"a").lower()
    octets = tags.octets(b"b")
    if algorithm == "rsa-sha1":
        raise Unverified("permerror", "rsa-sha1 is no longer a signature (RFC 8301 §3.1)")
    if algorithm not in ALGORITHMS:
        raise BadTags("a= is not known")
    sealed = Sealed(
        domain=_name(tags.text(b"d"), "d="),
        selector=_name(tags.text(b"s"), "s="),
        algorithm=algorithm,
        octets=octets,
        signed_at=tags.number(b"t", _TIME_DIGITS),
        expires_at=tags.number(b"x", _TIME_DIGITS),
        b_span=tags.b_span,
    )
    if None not in (sealed.signed_at, sealed.expires_at) and _never_valid(sealed):
        raise BadTags("x= is not behind t=")
    return sealed


def check_time(sealed: Sealed, now: datetime, skew: int) -> None:
    """Raises Unverified for a signature of the past or the future (RFC 6376 §3.5)."""
    instant = now.timestamp()
    if sealed.expires_at is not None and instant > sealed.expires_at + skew:
        raise Unverified("policy", "the signature has expired")
    if sealed.signed_at is not None and instant < sealed.signed_at - skew:
        raise Unverified("policy", "the signature is of the future")


def _never_valid(sealed: Sealed) -> bool:
    return (sealed.expires_at or 0) <= (sealed.signed_at or 0)


def _name(name: str, tag: str) -> str:
    """A domain or selector as it is asked for; U-labels are allowed (RFC 8616 §4)."""
    try:
        return fold_name(name)
    except BadDnsName as error:
        raise BadTags(f"{tag} is not a name") from error
