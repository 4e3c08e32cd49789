"""Any octets as an answer: a reply, no answer to us, or MalformedReply, in bounded time."""

from __future__ import annotations

import dns.message
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.config.dns import DnsSettings
from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.learn import learn
from pillarbox.dns.names import fold_name
from pillarbox.dns.wire import (
    MalformedReply,
    Question,
    RdType,
    answers,
    encode_query,
    is_truncated,
    parse_reply,
)

ID = 0x1234
TYPES: list[RdType] = ["A", "AAAA", "MX", "TXT", "PTR", "TLSA", "CNAME"]
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
