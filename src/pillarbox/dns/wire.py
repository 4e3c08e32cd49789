"""Questions and answers as octets (RFC 1035 §4). Sans-IO.

Read by hand, since a general parser builds every name of an answer anew: a hostile zone can have
2000 names of 120 labels in 30 KiB, which took dnspython seconds. Here each place in the message is
read once, and only what the question leads to is taken apart.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, Literal

from msgspec import Struct

from pillarbox.dns.answer import MAX_CHAIN, Mx, Srv, Tlsa
from pillarbox.dns.wire_names import Labels, MalformedReply, NameReader

UDP_OCTETS = 1232  # fits in every path's packet, so no fragments, which can be forged
MAX_RECORDS = 2000  # in one message; more is no honest answer, and each costs time to read

RdType = Literal["A", "AAAA", "MX", "TXT", "PTR", "TLSA", "CNAME", "SRV"]

_HEADER = struct.Struct("!HHHHHH")
_QR, _TC, _RD, _AD = 0x8000, 0x0200, 0x0100, 0x0020
_OPCODE = 0x7800
_OPT, _SOA, _DO = 41, 6, 0x8000
_IN = 1
_RECORD = struct.Struct("!HHIH")
_TYPES: dict[RdType, int] = {
    "A": 1,
    "CNAME": 5,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "TLSA": 52,
}
_RCODES = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    9: "NOTAUTH",
    16: "BADVERS",
}
# What one of our own questions can be answered with when the server read none of it.
_UNREAD = frozenset({"FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"})


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
        return _Message(octets, flags, counts).reply(question)
    except (IndexError, struct.error) as error:  # past the end
        raise MalformedReply from error


class _Record(Struct, frozen=True):
    name: Labels
    rdtype: int
    rdclass: int
    ttl: int
    start: int  # of its data
    end: int


class _Message:
    """One answer, its records cut but not taken apart."""

    def __init__(self, octets: bytes, flags: int, counts: list[int]) -> None:
        self._octets = octets
        self._names = NameReader(octets)
        self._flags = flags
        self._at = _HEADER.size
        self._asked = self._question() if counts[0] else None
        self._answer, self._authority, self._additional = (
            [self._record() for _ in range(count)] for count in counts[1:]
        )
        if self._at != len(octets):
            raise MalformedReply

    def _question(self) -> tuple[Labels, int, int]:
        name, at = self._names.read(self._at)
        rdtype, rdclass = struct.unpack_from("!HH", self._octets, at)
        self._at = at + 4
        return name, rdtype, rdclass

    def _record(self) -> _Record:
        name, at = self._names.read(self._at)
        rdtype, rdclass, ttl, size = _RECORD.unpack_from(self._octets, at)
        start = at + _RECORD.size
        self._at = start + size
        if self._at > len(self._octets):
            raise MalformedReply
        if ttl > 0x7FFFFFFF and rdtype != _OPT:
            ttl = 0  # RFC 2181 §8
        return _Record(name, rdtype, rdclass, ttl, start, self._at)

    def reply(self, question: Question) -> Reply | None:
        """What it says about the question; None when it answers another one."""
        rcode = self._rcode()
        if self._asked is not None:
            name, rdtype, rdclass = self._asked
            if (rdtype, rdclass) != (_TYPES[question.rdtype], _IN) or (
                _text_of(name) != question.name
            ):
                return None
        elif rcode not in _UNREAD:
            return None
        chain = self._chain(question) if rcode in ("NOERROR", "NXDOMAIN") else ()
        if rcode == "NXDOMAIN" and chain and chain[-1].rdtype == question.rdtype != "CNAME":
            raise MalformedReply("records of a name that does not exist")
        return Reply(rcode, bool(self._flags & _AD), chain, self._negative_ttl())

    def _rcode(self) -> str:
        """Its high bits are in the OPT record (RFC 6891 §6.1.3)."""
        code = self._flags & 0xF
        for record in self._additional:
            if record.rdtype == _OPT:
                code |= record.ttl >> 24 << 4
        return _RCODES.get(code, f"RCODE{code}")

    def _chain(self, question: Question) -> tuple[RrSet, ...]:
        """The sets that lead from the asked name to its records; others are not believed."""
        by_name: dict[tuple[str | None, int], list[_Record]] = {}
        for record in self._answer:
            if record.rdclass == _IN:
                by_name.setdefault((_text_of(record.name), record.rdtype), []).append(record)
        chain: list[RrSet] = []
        name = question.name
        wanted: tuple[RdType, ...] = (question.rdtype, "CNAME")
        while len(chain) <= MAX_CHAIN:
            for rdtype in wanted:
                found = by_name.get((name, _TYPES[rdtype]))
                if found:
                    break
            else:
                break
            chain.append(self._set(name, rdtype, found))
            if rdtype == question.rdtype:
                break
            name = chain[-1].records[0]
        return tuple(chain)

    def _set(self, name: str, rdtype: RdType, found: list[_Record]) -> RrSet:
        read = _READERS[rdtype]
        every = dict.fromkeys(read(self, record.start, record.end) for record in found)
        records = tuple(record for record in every if record is not None)
        if not records:
            raise MalformedReply("only records that name no host")
        if rdtype == "CNAME":
            records = records[:1]  # there may be only one (RFC 2181 §10.1)
        return RrSet(name, rdtype, records, min(record.ttl for record in found))

    def _negative_ttl(self) -> int | None:
        """How long an absence lasts: the lesser of the SOA's TTL and last field (RFC 2308 §5)."""
        for record in self._authority:
            if record.rdtype == _SOA and record.end - record.start >= 22:
                minimum = int.from_bytes(self._octets[record.end - 4 : record.end], "big")
                return min(record.ttl, minimum)
        return None

    def octets(self, start: int, end: int, size: int | None = None) -> bytes:
        """The data of a record, of `size` octets if that is given."""
        if size is not None and end - start != size:
            raise MalformedReply
        return self._octets[start:end]

    def name(self, start: int, end: int) -> Labels:
        """A name that fills the data to its end."""
        labels, at = self._names.read(start)
        if at != end:
            raise MalformedReply
        return labels


def _text_of(labels: Labels) -> str | None:
    """None for a name with octets that names.py does not take, such as a dot inside a label."""
    if not labels or any(b"." in label for label in labels):
        return None
    text = b".".join(labels).decode("latin-1").lower()
    return text if text.isascii() and text.isprintable() else None


def _mx(message: _Message, start: int, end: int) -> Mx | None:
    preference = int.from_bytes(message.octets(start, end)[:2], "big")
    labels = message.name(start + 2, end)
    exchange = _text_of(labels) if labels else ""
    return None if exchange is None else Mx(preference, exchange)


def _srv(message: _Message, start: int, end: int) -> Srv | None:
    priority, weight, port = struct.unpack_from("!HHH", message.octets(start, end))
    labels = message.name(start + 6, end)
    target = _text_of(labels) if labels else ""
    return None if target is None else Srv(priority, weight, port, target)


def _txt(message: _Message, start: int, end: int) -> bytes:
    octets, at, strings = message.octets(start, end), 0, []
    while at < len(octets):
        strings.append(octets[at + 1 : at + 1 + octets[at]])
        at += 1 + octets[at]
    if at != len(octets) or not strings:
        raise MalformedReply
    return b"".join(strings)


def _tlsa(message: _Message, start: int, end: int) -> Tlsa:
    octets = message.octets(start, end)
    return Tlsa(octets[0], octets[1], octets[2], octets[3:])


def _host(message: _Message, start: int, end: int) -> str | None:
    return _text_of(message.name(start, end))


_READERS: dict[RdType, Callable[[_Message, int, int], Any]] = {
    "A": lambda message, start, end: inet_ntop(AF_INET, message.octets(start, end, 4)),
    "AAAA": lambda message, start, end: inet_ntop(AF_INET6, message.octets(start, end, 16)),
    "MX": _mx,
    "TXT": _txt,
    "PTR": _host,
    "TLSA": _tlsa,
    "CNAME": _host,
    "SRV": _srv,
}
