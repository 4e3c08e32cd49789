"""Any octets as an answer: a reply, no answer to us, or MalformedReply, in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.config.dns import DnsSettings
from pillarbox.dns.answer import Mx, Srv, Tlsa
from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.learn import learn
from pillarbox.dns.names import fold_name
from pillarbox.dns.wire import (
    Question,
    RdType,
    answers,
    encode_query,
    is_truncated,
    parse_reply,
)
from pillarbox.dns.wire_names import MalformedReply

ID = 0x1234
TYPES: list[RdType] = ["A", "AAAA", "MX", "TXT", "PTR", "TLSA", "CNAME", "SRV"]
QUESTIONS = st.sampled_from([Question("example.org", rdtype) for rdtype in TYPES])

names = st.sampled_from([b"\xc0\x0c", b"\0", b"\3www\xc0\x0c", b"\xc0\xff", b"\x3fabc", b"\2x.\0"])
numbers = st.sampled_from([0, 1, 2, 5, 6, 12, 15, 16, 28, 41, 46, 52, 250, 65535])
shorts = numbers.map(lambda number: number.to_bytes(2, "big"))
records = st.tuples(
    names, shorts, shorts, st.binary(min_size=4, max_size=4), st.binary(max_size=40)
).map(lambda p: p[0] + p[1] + p[2] + p[3] + len(p[4]).to_bytes(2, "big") + p[4])
pieces = st.one_of(records, names, shorts, st.binary(max_size=20))
flags = st.sampled_from(
    [b"\x81\x80", b"\x81\x83", b"\x81\xa0", b"\x81\x82", b"\xa8\x00", b"\x83\0"]
)
counts = st.sampled_from([b"\0\0", b"\0\1", b"\0\2", b"\xff\xff"])
bodies = st.tuples(
    flags, st.sampled_from([b"\0\1", b"\0\0"]), counts, counts, counts, st.booleans(),
    st.lists(pieces, max_size=6),
)  # fmt: skip


def check(octets: bytes, question: Question) -> None:
    if not answers(octets, ID):
        return
    is_truncated(octets)
    try:
        reply = parse_reply(octets, question)
    except MalformedReply:
        return
    if reply is None:
        return
    settings = DnsSettings()
    for (name, _), cached in learn(reply, question, 0.0, settings, trust_ad=True).items():
        assert fold_name(name) == name
        assert 0 <= cached.until <= settings.maximum_ttl
        assert all(record is not None for record in cached.records)


@given(bodies, QUESTIONS)
def test_octets_that_look_like_an_answer(body: tuple, question: Question) -> None:
    head, asked, a, b, c, with_question, rest = body
    query = encode_query(question, ID, dnssec=False, edns=False)
    check(
        ID.to_bytes(2, "big") + head + asked + a + b + c
        + (query[12:] if with_question else b"") + b"".join(rest),
        question,
    )  # fmt: skip


@given(st.binary(max_size=200), QUESTIONS)
def test_any_octets(octets: bytes, question: Question) -> None:
    check(octets, question)
    check(ID.to_bytes(2, "big") + b"\x81\x80" + octets, question)


@given(st.text(max_size=80), st.sampled_from(TYPES), st.booleans())
def test_any_name_is_asked_as_it_is_or_not_at_all(name: str, rdtype: RdType, dnssec: bool) -> None:
    try:
        folded = fold_name(name)
    except BadDnsName:
        return
    assert fold_name(folded) == folded
    message = dns.message.from_wire(encode_query(Question(folded, rdtype), ID, dnssec=dnssec))
    labels = message.question[0].name.labels[:-1]
    assert b".".join(labels).decode() == folded
    assert message.payload == 1232
    assert bool(message.ednsflags & 0x8000) == dnssec


labels = st.sampled_from(["a", "b", "example", "org", "x" * 63, "_25", "a\\032b", "\\046"])
hosts = st.lists(labels, min_size=1, max_size=3).map(lambda parts: ".".join(parts) + ".")
datas = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
    "MX": st.tuples(st.integers(0, 65535), hosts).map(lambda p: f"{p[0]} {p[1]}"),
    "TXT": st.lists(st.sampled_from(['"v=spf1 -all"', '""', "abc"]), min_size=1).map(" ".join),
    "PTR": hosts,
    "TLSA": st.sampled_from([f"3 1 1 {'00' * 32}", "2 0 0 aa"]),
    "CNAME": hosts,
    "SRV": st.tuples(st.integers(0, 65535), st.integers(0, 65535), hosts).map(
        lambda p: f"{p[0]} {p[1]} {p[0]} {p[2]}"
    ),
}


@st.composite
def honest(draw: st.DrawFn) -> tuple[Question, dns.message.Message]:
    """An answer as a server could send it, and the question to it."""
    question = Question("a.example.org", draw(st.sampled_from(TYPES)))
    query = dns.message.from_wire(encode_query(question, ID, dnssec=True))
    message = dns.message.make_response(query, recursion_available=True)
    for rdtype in (question.rdtype, *draw(st.lists(st.sampled_from(TYPES), max_size=3))):
        owner = draw(st.one_of(st.just("a.example.org."), hosts))
        values = draw(st.lists(datas[rdtype], min_size=1, max_size=4))
        ttl = draw(st.integers(0, 2**31 - 1))
        message.answer.append(dns.rrset.from_text_list(owner, ttl, "IN", rdtype, values))
    if draw(st.booleans()):
        soa = "a.example. b.example. 1 2 3 4 77"
        message.authority.append(dns.rrset.from_text("example.org.", 88, "IN", "SOA", soa))
    return question, message


@given(honest())
def test_what_dnspython_writes(case: tuple[Question, dns.message.Message]) -> None:
    question, message = case
    try:
        reply = parse_reply(message.to_wire(), question)
    except MalformedReply:
        assert "\\." in message.to_text(), "only names with a dot in a label are not taken"
        return
    assert reply is not None
    assert reply.negative_ttl == (77 if message.authority else None)
    rdtype = dns.rdatatype.from_text(question.rdtype)
    own = dns.name.from_text("a.example.org.")
    theirs = [r for r in message.answer if r.name == own and r.rdtype == rdtype]
    ours = [found for found in reply.chain[:1] if found.rdtype == question.rdtype]
    assert bool(theirs) == bool(ours)
    if ours:
        expected = {SHOWN[question.rdtype](one) for found in theirs for one in found}
        if question.rdtype == "CNAME":  # of which there may be only one
            assert set(ours[0].records) <= expected
        else:
            assert set(ours[0].records) == expected - {None}
        assert ours[0].ttl == min(found.ttl for found in theirs)


def shown_host(name: dns.name.Name) -> str | None:
    if any(b"." in label for label in name.labels):
        return None
    return b".".join(name.labels[:-1]).decode()


def shown_mx(record: Any) -> Mx | None:
    host = shown_host(record.exchange)
    return None if host is None else Mx(record.preference, host)


def shown_srv(record: Any) -> Srv | None:
    host = shown_host(record.target)
    return None if host is None else Srv(record.priority, record.weight, record.port, host)


SHOWN: dict[RdType, Callable[[Any], Any]] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": shown_mx,
    "TXT": lambda record: b"".join(record.strings),
    "PTR": lambda record: shown_host(record.target),
    "SRV": shown_srv,
    "TLSA": lambda record: Tlsa(record.usage, record.selector, record.mtype, record.cert),
    "CNAME": lambda record: shown_host(record.target),
}
