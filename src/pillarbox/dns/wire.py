"""Questions and answers as octets (RFC 1035 §4). Sans-IO.

dnspython reads the messages. It takes 0.1 s to import, so that only stub.py imports this module,
at the first question.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from msgspec import Struct

from pillarbox.dns.answer import MAX_CHAIN, Mx, Tlsa

UDP_OCTETS = 1232  # fits in every path's packet, so no fragments, which can be forged
MAX_RECORDS = 2000  # in one message; more is no honest answer, and each costs time to read

RdType = Literal["A", "AAAA", "MX", "TXT", "PTR", "TLSA", "CNAME"]

_HEADER = struct.Struct("!HHHHHH")
_QR, _TC, _RD, _AD = 0x8000, 0x0200, 0x0100, 0x0020
_OPCODE = 0x7800
_OPT, _DO = 41, 0x8000
_TYPES: dict[RdType, int] = {
    "A": 1,
    "CNAME": 5,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "TLSA": 52,
}
# What one of our own questions can be answered with when the server read none of it.
_UNREAD = frozenset({"FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"})


class MalformedReply(Exception):
    """Octets that are no answer, or an answer that contradicts itself."""


class Question(Struct, frozen=True):
    """What is asked; the name in the form of names.py."""

    name: str
    rdtype: RdType


class RrSet(Struct, frozen=True):
    """The records of one name and type. CNAMEs of a chain are sets of one record."""

    name: str
    rdtype: RdType
    records: tuple[Any, ...]
    ttl: int


class Reply(Struct, frozen=True):
    """A server's answer to one question."""

    rcode: str
    authenticated: bool  # the AD bit; whether to believe it is the resolver's to know
    chain: tuple[RrSet, ...]  # the CNAMEs on the way, in order, and the records if there are any
    negative_ttl: int | None  # of the zone's SOA record, if the answer has one


def encode_query(question: Question, ident: int, *, dnssec: bool, edns: bool = True) -> bytes:
    """A question for a recursive resolver. `dnssec` asks for its AD bit (RFC 4035 §3.2)."""
    flags = _RD | (_AD if dnssec else 0)
    labels = b"".join(
        bytes((len(label),)) + label for label in question.name.encode("ascii").split(b".")
    )
    body = labels + b"\0" + struct.pack("!HH", _TYPES[question.rdtype], 1)
    if edns:
        body += struct.pack("!BHHIH", 0, _OPT, UDP_OCTETS, _DO if dnssec else 0, 0)
    return _HEADER.pack(ident, flags, 1, 0, 0, int(edns)) + body


def answers(octets: bytes, ident: int) -> bool:
    """Whether this may be the answer to the query of that id; all else is somebody's noise."""
    if len(octets) < _HEADER.size:
        return False
    found, flags, *_ = _HEADER.unpack_from(octets)
    return bool(found == ident and flags & _QR)


def is_truncated(octets: bytes) -> bool:
    """Whether the rest is to be had by TCP. Such a message may end anywhere."""
    return bool(_HEADER.unpack_from(octets)[1] & _TC)


def parse_reply(octets: bytes, question: Question) -> Reply | None:
    """None: an answer to another question. Raises MalformedReply."""
    _, flags, *counts = _HEADER.unpack_from(octets)
    if flags & _OPCODE or counts[0] > 1 or sum(counts) > MAX_RECORDS:
        raise MalformedReply
    try:
        message = dns.message.from_wire(octets)
        return _read(message, question)
    except MalformedReply:
        raise
    except Exception as error:  # whatever a library raises at octets that a peer chose
        raise MalformedReply from error


def _read(message: dns.message.Message, question: Question) -> Reply | None:
    rcode = dns.rcode.to_text(message.rcode())
    if message.question:
        asked = message.question[0]
        rdtype = _TYPES[question.rdtype]
        if (asked.rdtype, asked.rdclass) != (rdtype, dns.rdataclass.IN) or _text_of(
            asked.name
        ) != question.name:
            return None
    elif rcode not in _UNREAD:
        return None
    chain = _chain(message, question) if rcode in ("NOERROR", "NXDOMAIN") else ()
    if rcode == "NXDOMAIN" and chain and chain[-1].rdtype == question.rdtype != "CNAME":
        raise MalformedReply("records of a name that does not exist")
    authenticated = bool(message.flags & dns.flags.AD)
    return Reply(rcode, authenticated, chain, _negative_ttl(message))


def _chain(message: dns.message.Message, question: Question) -> tuple[RrSet, ...]:
    """The sets that lead from the asked name to its records; any others are not believed."""
    chain: list[RrSet] = []
    name = question.name
    wanted: tuple[RdType, ...] = (question.rdtype, "CNAME")
    while len(chain) <= MAX_CHAIN:
        found = next((s for t in wanted if (s := _find(message, name, t))), None)
        if found is None:
            return tuple(chain)
        chain.append(found)
        if found.rdtype == question.rdtype:
            return tuple(chain)
        name = found.records[0]
    return tuple(chain)  # too long; the resolver counts


def _find(message: dns.message.Message, name: str, rdtype: RdType) -> RrSet | None:
    found = message.get_rrset(
        message.answer, _name_of(name), dns.rdataclass.IN, dns.rdatatype.from_text(rdtype)
    )
    if found is None:
        return None
    records = tuple(r for r in map(_READERS[rdtype], found) if r is not None)
    if not records:
        raise MalformedReply("only records that name no host")
    if rdtype == "CNAME":
        records = records[:1]  # there may be only one (RFC 2181 §10.1)
    return RrSet(name, rdtype, records, found.ttl)


def _negative_ttl(message: dns.message.Message) -> int | None:
    """How long an absence lasts: the lesser of the SOA's TTL and its last field (RFC 2308 §5)."""
    for found in message.authority:
        if found.rdtype == dns.rdatatype.SOA:
            return min([found.ttl, *(int(soa.minimum) for soa in found)])
    return None


T = TypeVar("T")
_Reader = Callable[[Any], Any]


def _name_of(name: str) -> dns.name.Name:
    return dns.name.Name((*name.encode("ascii").split(b"."), b""))


def _text_of(name: dns.name.Name) -> str | None:
    """None for a name with octets that names.py does not take, such as a dot inside a label."""
    labels = name.labels[:-1]
    if not labels or any(b"." in label for label in labels):
        return None
    text = b".".join(labels).decode("latin-1").lower()
    return text if text.isascii() and text.isprintable() else None


def _mx(record: Any) -> Mx | None:
    if record.exchange == dns.name.root:
        return Mx(record.preference, "")
    exchange = _text_of(record.exchange)
    return None if exchange is None else Mx(record.preference, exchange)


_READERS: dict[RdType, _Reader] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": _mx,
    "TXT": lambda record: b"".join(record.strings),
    "PTR": lambda record: _text_of(record.target),
    "TLSA": lambda record: Tlsa(record.usage, record.selector, record.mtype, record.cert),
    "CNAME": lambda record: _text_of(record.target),
}
