"""What the DNS says: one answer to one question, with what is known about its truth."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

MAX_CHAIN = 8  # CNAMEs from a name to its records; mail's names have one or two


class Mx(Struct, frozen=True, order=True):
    """A host that takes a domain's mail (RFC 5321 §5.1)."""

    preference: int
    exchange: str  # "" is the null MX: the domain takes no mail (RFC 7505 §3)


class Srv(Struct, frozen=True, order=True):
    """Where a domain's service is (RFC 2782)."""

    priority: int  # the lowest is tried first
    weight: int
    port: int
    target: str  # "": the service is not there


class Tlsa(Struct, frozen=True):
    """What a TLS server's certificate or key must be (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    association: bytes


class Answer(Struct, Generic[T], frozen=True):
    """The records of one name and type. No record is an answer, too: NXDOMAIN or NODATA."""

    name: str  # as asked, in the form of names.py
    canonical: str  # the end of the chain of CNAMEs
    records: tuple[T, ...]
    exists: bool  # False: the canonical name has no records of any type (NXDOMAIN)
    authentic: bool  # DNSSEC holds for the whole chain, says a resolver that we trust
    ttl: int  # seconds for which this stays true, from now
