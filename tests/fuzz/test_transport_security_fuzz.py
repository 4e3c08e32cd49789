"""Policies, records, reports and certificates of others: a value, or the module's own error."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.dns.answer import Tlsa
from pillarbox.trust.dane.records import encode_tlsa, usable_records
from pillarbox.trust.dane.verify import verify_chain
from pillarbox.trust.mta_sts.policy import BadPolicy, encode_policy, matches, parse_policy
from pillarbox.trust.mta_sts.record import parse_sts_record
from pillarbox.trust.tls_rpt.record import encode_record, parse_record
from pillarbox.trust.tls_rpt.report import BadReport, encode_report, parse_report
from support.authority import new_authority

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ROOT = new_authority()
LEAF = ROOT.issue("mx.example.org")

texts = st.one_of(st.binary(max_size=60), st.text(max_size=30).map(lambda t: t.encode("utf-8")))
lines = st.sampled_from(
    [b"version: STSv1", b"mode: enforce", b"mode:none", b"mx: *.a.example", b"mx: b", b"max_age: 9"]
)
policies = st.lists(st.one_of(lines, texts), max_size=8).map(b"\r\n".join)
fields = st.sampled_from(
    [b"v=STSv1", b"v=TLSRPTv1", b"id=1", b" ", b"rua=mailto:a@b.example", b"rua=https://a.example/"]
)
records = st.lists(st.lists(st.one_of(fields, texts), max_size=5).map(b";".join), max_size=3)


@given(policies, st.text(max_size=30))
def test_policies(octets: bytes, host: str) -> None:
    try:
        policy = parse_policy(octets)
    except BadPolicy as bad:
        assert bad.why
        return
    matches(policy, host)
    assert parse_policy(encode_policy(policy)) == policy


@given(records)
def test_records(octets: list[bytes]) -> None:
    assert parse_sts_record(octets) is None or any(b"id=" in one for one in octets)
    found = parse_record(octets)
    if found is not None:
        assert not any("\r" in uri or "\n" in uri for uri in (*found.mailto, *found.https))
        assert parse_record([encode_record(found).encode()]) == found


KEYS = [
    "report-id",
    "policies",
    "policy",
    "summary",
    "date-range",
    "policy-domain",
    "start-datetime",
    "end-datetime",
    "policy-type",
    "failure-details",
    "mx-host",
]
values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=10), st.just("2026-11-01T00:00:00Z")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@given(st.one_of(texts, values.map(lambda value: json.dumps(value).encode())))
def test_reports(octets: bytes) -> None:
    try:
        report = parse_report(octets)
    except BadReport:
        return
    assert parse_report(encode_report(report)) == report


numbers = st.integers(0, 4)
tlsa = st.builds(Tlsa, numbers, numbers, numbers, st.one_of(texts, st.just(LEAF.der)))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    octets = bytearray(draw(st.sampled_from([LEAF.der, ROOT.der])))
    for _ in range(draw(st.integers(0, 3))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets)


@given(st.lists(st.one_of(texts, damaged()), max_size=4), st.lists(tlsa, max_size=4))
def test_certificates(chain: list[bytes], found: list[Tlsa]) -> None:
    anchors = [Tlsa(2, 0, 0, ROOT.der), Tlsa(2, 0, 0, chain[-1])] if chain else []
    for record in found:
        assert encode_tlsa(record)
    result = verify_chain(chain, usable_records([*found, *anchors]), ("mx.example.org",), NOW)
    assert result.verified == (result.result == "")
