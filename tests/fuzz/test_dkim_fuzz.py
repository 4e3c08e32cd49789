"""Any signatures, seals, key records and results whatever: a named result, never an exception."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.trust import authres
from pillarbox.trust.arc import seal, verify_chain
from pillarbox.trust.dkim import dns_record, sign, verify
from pillarbox.trust.dkim.header import Header
from pillarbox.trust.dkim.tags import BadTags, parse_tags
from support.dkim_keys import NOW, SETTINGS, ed_key, key_name
from support.fake_resolver import FakeResolver

KEY = ed_key()
RECORD = dns_record(KEY).encode()
BODY = b"\r\nHello\r\n"
PIECES = [
    b"v=1", b"a=ed25519-sha256", b"a=rsa-sha256", b"a=rsa-sha1", b"d=example.org", b"s=ed", b"i=1",
    b"i=@example.org", b"h=From", b"h=:from::", b"bh=", b"b=AAAA", b"b=", b"c=relaxed/relaxed",
    b"c=/", b"l=3", b"l=", b"t=1", b"x=0", b"cv=none", b"cv=pass", b"q=dns/txt", b";", b"=", b" ",
    b"\r\n ", b"\xff", b"\xc3\xa9", b"\0", b"d=\xc3\xa9.x", b"s=..", b"i=2", b"p=", b"k=rsa",
    b"t=s",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8))).map(b";".join)
values = texts.map(lambda text: text.replace(b"\n", b"\n "))
NAMES = [
    b"DKIM-Signature", b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results",
    b"From",
]  # fmt: skip
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=8).map(
    lambda fields: b"".join(name + b": " + value + b"\r\n" for name, value in fields)
)
RESULTS = {"pass", "fail", "neutral", "policy", "permerror", "temperror"}


@given(headers, st.one_of(st.just(RECORD), texts, st.binary(max_size=200)))
def test_any_header_with_any_record(header: bytes, record: bytes) -> None:
    dns = FakeResolver({key_name(KEY): {"TXT": [record]}})
    message = header + BODY
    for found in asyncio.run(verify(message, dns, NOW, SETTINGS)):
        assert found.result in RESULTS
        assert bool(found.why) == (found.result != "pass")
    chain = asyncio.run(verify_chain(message, dns, NOW, SETTINGS))
    assert chain.result in ("none", "pass", "fail", "temperror")
    seal(message, len(message), "none", chain, KEY, "mx.example.org", NOW)


@given(st.one_of(headers, st.binary(max_size=200)), st.binary(max_size=200))
def test_whatever_is_signed_verifies(header: bytes, body: bytes) -> None:
    """As long as the field in front does not join what stands behind it."""
    message = b"From: alice@example.org\r\n" + header + b"\r\n" + body
    signed = sign(message, len(message), [KEY], NOW) + message
    dns = FakeResolver({key_name(KEY): {"TXT": [RECORD]}})
    assert asyncio.run(verify(signed, dns, NOW, SETTINGS))[0].result == "pass"


@given(st.one_of(texts, st.binary(max_size=300)))
def test_tags(octets: bytes) -> None:
    try:
        tags = parse_tags(octets)
    except BadTags:
        return
    start, end = tags.b_span
    assert (octets[start:end].strip(b" \t\r\n") == tags.values[b"b"]) if end else start == 0


@given(st.binary(max_size=300))
def test_header_and_results(octets: bytes) -> None:
    for field in Header(octets).fields:
        assert field.value in field.raw
    authres.parse(octets)
    for start, end in authres.forged_spans(octets, "mx.example.org"):
        assert octets[start:end].lower().startswith(b"authentication-results")
