"""What each signature comes to: one row of tags or keys, one verdict (RFC 6376 §6.1)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from pillarbox.dns.answer import Answer
from pillarbox.trust.dkim import DkimResult, dns_record, sign, verify
from support.dkim_keys import DOMAIN, NOW, SETTINGS, ed_key, key_name, resolver, rsa_key
from support.dkim_signer import signature
from support.fake_resolver import FakeResolver

KEY = rsa_key()
MESSAGE = b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Hi\r\n\r\nHello  Bob\r\n"
INSTANT = int(NOW.timestamp())


def results(message: bytes, dns: FakeResolver | None = None, **settings: Any) -> list[DkimResult]:
    changed = msgspec.structs.replace(SETTINGS, **settings)
    return list(asyncio.run(verify(message, dns or resolver(KEY, ed_key()), NOW, changed)))


def one(message: bytes, dns: FakeResolver | None = None, **settings: Any) -> DkimResult:
    (result,) = results(message, dns, **settings)
    return result


@pytest.mark.parametrize(
    ("tags", "verdict", "why"),
    [
        ({}, "pass", ""),
        ({"c": "simple/simple"}, "pass", ""),
        ({"c": "relaxed"}, "pass", ""),
        ({"c": "simple"}, "pass", ""),
        ({"c": None}, "fail", "body was changed"),  # simple/simple is meant, relaxed was made
        ({"c": "nofws/simple"}, "neutral", "c= is not known"),
        ({"q": "dns/txt"}, "pass", ""),
        ({"q": "dns/http:dns/txt"}, "pass", ""),
        ({"q": "dns/http"}, "neutral", "q= is not known"),
        ({"zz": "whatever", "Z": "1"}, "pass", ""),  # unknown tags
        ({"z": "From:mallory@example.org|Subject:other"}, "pass", ""),
        ({"v": "2"}, "neutral", "v= is not 1"),
        ({"v": None}, "neutral", "no v="),
        ({"a": None}, "neutral", "no a="),
        ({"a": "rsa-sha1"}, "permerror", "rsa-sha1"),  # RFC 8301 §3.1
        ({"a": "rsa-sha512"}, "neutral", "a= is not known"),
        ({"a": "ed25519-sha256"}, "permerror", "another algorithm"),
        ({"bh": None}, "neutral", "no bh="),
        ({"bh": "AAAA"}, "fail", "body was changed"),
        ({"bh": "***"}, "neutral", "bh= is not base64"),
        ({"b": "AAAA"}, "fail", "header was changed"),
        ({"b": "#"}, "neutral", "b= is not base64"),
        ({"d": None}, "neutral", "no d="),
        ({"d": "nobody.example"}, "permerror", "no key"),
        ({"d": "a..b"}, "neutral", "d= is not a name"),
        ({"d": "x" * 64 + ".example"}, "neutral", "d= is not a name"),
        ({"d": "EXAMPLE.org"}, "pass", ""),
        ({"s": None}, "neutral", "no s="),
        ({"s": "none"}, "permerror", "no key"),
        ({"h": "To:Subject"}, "permerror", "From is not signed"),
        ({"h": None}, "neutral", "no h="),
        ({"h": " from : SUBJECT :\tto"}, "pass", ""),
        ({"h": "From:From:From:X-None"}, "pass", ""),
        ({"i": "@example.org"}, "pass", ""),
        ({"i": "alice@mail.example.org"}, "pass", ""),
        ({"i": "alice@Example.ORG"}, "pass", ""),
        ({"i": "alice@badexample.org"}, "permerror", "i= is not within"),
        ({"i": "alice@org"}, "permerror", "i= is not within"),
        ({"t": str(INSTANT), "x": str(INSTANT + 60)}, "pass", ""),
        ({"t": str(INSTANT), "x": str(INSTANT)}, "neutral", "x= is not behind t="),
        ({"x": str(INSTANT - 3600)}, "pass", ""),  # our clock or theirs
        ({"x": str(INSTANT - 3601)}, "policy", "expired"),
        ({"t": str(INSTANT + 3600)}, "pass", ""),
        ({"t": str(INSTANT + 3601)}, "policy", "future"),
        ({"t": "9" * 13}, "neutral", "t= is not a number"),
        ({"x": "-1"}, "neutral", "x= is not a number"),
        ({"l": "11"}, "pass", ""),
        ({"l": "0"}, "policy", "11 octets of the body are not signed"),
        ({"l": "5"}, "policy", "6 octets"),
        ({"l": "12"}, "permerror", "l= is longer"),
        ({"l": "1" + "0" * 70}, "permerror", "l= is longer"),
        ({"l": "five"}, "neutral", "l= is not a number"),
    ],
)
def test_tags(tags: dict[str, str | None], verdict: str, why: str) -> None:
    result = one(signature(MESSAGE, KEY, **tags) + MESSAGE)
    assert (result.result, why in result.why) == (verdict, True), result
    assert bool(result.why) == (verdict != "pass")


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (b"", "no v="),
        (b"v=1; v=1", "v= is there twice"),
        (b"no tags at all", "no name"),
        (b"=x", "no name"),
        (b"v=1; 1a=2", "no name"),
        (b"v=1" + b"; x%d=1" * 200 % tuple(range(200)), "more than 99 tags"),
    ],
)
def test_fields_that_cannot_be_read(field: bytes, why: str) -> None:
    result = one(b"DKIM-Signature: " + field + b"\r\n" + MESSAGE)
    assert result.result == "neutral"
    assert why in result.why


P = dns_record(KEY).partition("p=")[2]
ED = dns_record(ed_key()).partition("p=")[2]


@pytest.mark.parametrize(
    ("record", "verdict", "why"),
    [
        ("p=<P>", "pass", ""),
        ("v=DKIM1; k=rsa; h=sha256; s=email; t=s; n=no=20notes; p=<P>", "pass", ""),
        ("v=DKIM1 ; k = rsa ; s=*; p = <P1> <P2> ;", "pass", ""),
        ("v=DKIM1;; p=<P>", "pass", ""),
        ("k=rsa; h=sha1:sha256; s=other:email; xx=; p=<P>", "pass", ""),
        ("v=DKIM2; p=<P>", "permerror", "another version"),
        ("k=rsa; v=DKIM1; p=<P>", "permerror", "not the first"),
        ("v=DKIM1; k=rsa", "permerror", "holds no key"),
        ("v=DKIM1; p=", "permerror", "revoked"),
        ("v=DKIM1; p= ; k=rsa", "permerror", "revoked"),
        ("h=sha1; p=<P>", "permerror", "not for sha256"),
        ("s=other; p=<P>", "permerror", "not for mail"),
        ("k=ed25519; p=<ED>", "permerror", "another algorithm"),
        ("k=ed25519; p=<P>", "permerror", "not an Ed25519 key"),
        ("k=dsa; p=<P>", "permerror", "k= is not a type"),
        ("p=<ED>", "permerror", "not an RSA key"),
        ("p=AAAA", "permerror", "not an RSA key"),
        ("p=!", "permerror", "not base64"),
        ("p=<P>; p=<P>", "permerror", "there twice"),
        ("just text", "permerror", "malformed"),
        ("", "permerror", "no key"),
        (b"\xff\xfe", "permerror", "malformed"),
        (b"k=\xff; p=<P>", "permerror", "not UTF-8"),
    ],
)
def test_key_records(record: str | bytes, verdict: str, why: str) -> None:
    # Keys are new in each run, and names of tests are not to be.
    octets = record.encode() if isinstance(record, str) else record
    for name, value in (("P", P), ("P1", P[:40]), ("P2", P[40:]), ("ED", ED)):
        octets = octets.replace(f"<{name}>".encode(), value.encode())
    dns = FakeResolver({key_name(KEY): {"TXT": [octets]}})
    result = one(signature(MESSAGE, KEY) + MESSAGE, dns)
    assert (result.result, why in result.why) == (verdict, True), result


def test_flags_of_the_key() -> None:
    """RFC 6376 §3.6.1: t=s allows no subdomain in i=, t=y says that the domain only tries."""
    strict = FakeResolver({key_name(KEY): {"TXT": [f"t=s:y; p={P}"]}})
    exact = one(signature(MESSAGE, KEY, i="a@example.org") + MESSAGE, strict)
    assert (exact.result, exact.testing) == ("pass", True)
    below = one(signature(MESSAGE, KEY, i="a@sub.example.org") + MESSAGE, strict)
    assert (below.result, below.testing) == ("permerror", True)
    assert not one(signature(MESSAGE, KEY) + MESSAGE).testing


def test_bare_rsa_key() -> None:
    """The key as RFC 6376 §3.6.1 says, where its own examples say SubjectPublicKeyInfo."""
    public = load_der_public_key(base64.b64decode(P))
    assert isinstance(public, RSAPublicKey)
    bare = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.PKCS1)).decode()
    dns = FakeResolver({key_name(KEY): {"TXT": [f"p={bare}"]}})
    assert one(signature(MESSAGE, KEY) + MESSAGE, dns).result == "pass"


@pytest.mark.parametrize(
    ("bits", "verdict"), [(1024, "pass"), (1032, "pass"), (2048, "pass"), (4096, "pass")]
)
def test_sizes_of_keys(bits: int, verdict: str) -> None:
    """RFC 8301 §3.2."""
    key = rsa_key(bits)
    result = one(signature(MESSAGE, key) + MESSAGE, resolver(key))
    assert (result.result, result.key_bits) == (verdict, bits)


def test_keys_too_short_or_too_long_by_setting() -> None:
    signed = signature(MESSAGE, rsa_key(1024)) + MESSAGE
    result = one(signed, resolver(rsa_key(1024)), dkim_min_rsa_bits=2048)
    assert (result.result, result.why) == ("policy", "the key has only 1024 bits")
    signed = signature(MESSAGE, rsa_key(4096)) + MESSAGE
    result = one(signed, resolver(rsa_key(4096)), dkim_max_rsa_bits=2048)
    assert (result.result, "too costly" in result.why) == ("policy", True)


def test_several_records_of_one_name() -> None:
    """RFC 6376 §6.1.2 lets us try them; the first three are."""
    signed = signature(MESSAGE, KEY) + MESSAGE
    other = dns_record(rsa_key(1024))
    good = dns_record(KEY)

    def verdict(*records: str) -> str:
        return one(signed, FakeResolver({key_name(KEY): {"TXT": list(records)}})).result

    assert verdict("junk", good) == "pass"
    assert verdict(other, "v=spf1 -all", good) == "pass"
    assert verdict(other) == "fail"
    assert verdict("a", "b", "c", good) == "permerror"


@pytest.mark.parametrize("why", ["timeout", "servfail", "malformed", "refused"])
def test_no_answer(why: Any) -> None:
    dns = FakeResolver({}, fail={key_name(KEY): why})
    result = one(signature(MESSAGE, KEY) + MESSAGE, dns)
    assert (result.result, why in result.why) == ("temperror", True)


@pytest.mark.timed
def test_a_resolver_that_never_answers() -> None:
    class Silent(FakeResolver):
        async def txt(self, name: str) -> Answer[bytes]:
            await asyncio.Event().wait()
            raise AssertionError

    result = one(signature(MESSAGE, KEY) + MESSAGE, Silent(), dkim_seconds=0.05)
    assert (result.result, result.why) == ("temperror", "the DNS took too long")


def test_authentic_keys() -> None:
    signed = signature(MESSAGE, KEY) + MESSAGE
    dns = resolver(KEY)
    assert not one(signed, dns).authentic
    dns.authentic = True
    assert one(signed, dns).authentic


def test_what_a_result_says() -> None:
    field = signature(MESSAGE, KEY, i="alice@sub.example.org")
    result = one(field + MESSAGE)
    start = field.rpartition(b"b=")[2][:8].decode()
    assert result == DkimResult(
        "pass", DOMAIN, KEY.selector, "alice@sub.example.org", KEY.algorithm, start, key_bits=2048
    )


def test_each_of_several_signatures_stands_alone() -> None:
    good = sign(MESSAGE, len(MESSAGE), [KEY, ed_key()], NOW)
    broken = signature(MESSAGE, KEY, bh="AAAA")
    dns = resolver(KEY, ed_key())
    found = results(broken + good + MESSAGE, dns)
    assert [result.result for result in found] == ["fail", "pass", "pass"]
    assert sorted(dns.asked) == sorted(f"TXT {key_name(key)}" for key in (KEY, ed_key()))


def test_signatures_beyond_the_bound_are_counted() -> None:
    found = results(signature(MESSAGE, KEY) * 5 + MESSAGE, dkim_max_signatures=3)
    assert [result.result for result in found] == ["pass", "pass", "pass", "policy"]
    assert found[-1].why == "2 more below 3 signatures are not looked at"


def test_none() -> None:
    assert results(MESSAGE) == []
    assert results(b"") == []
    assert results(b"no header\r\n") == []


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda m: b"Received: x\r\n" + m, "pass"),
        (lambda m: m.replace(b"To: bob", b"to:\tbob"), "pass"),
        (lambda m: m.replace(b"Hello  Bob", b"Hello Bob \t"), "pass"),
        (lambda m: m + b"\r\n \r\n", "pass"),
        (lambda m: m.replace(b"\r\n", b"\n"), "pass"),
        (lambda m: m.replace(b"Subject: Hi", b"Subject: H\r\n i"), "fail"),
        (lambda m: b"From: mallory@example.net\r\n" + m, "fail"),  # oversigned
        (lambda m: b"Reply-To: mallory@example.net\r\n" + m, "fail"),
        (lambda m: b"Content-Type: text/html\r\n" + m, "fail"),
        (lambda m: m.replace(b"Subject: Hi\r\n", b""), "fail"),
        (lambda m: m.replace(b"Bob", b"bob"), "fail"),
        (lambda m: m.replace(b"h=From", b"h=from"), "fail"),
    ],
)
def test_changes_on_the_way(change: Any, verdict: str) -> None:
    signed = sign(MESSAGE, len(MESSAGE), [KEY], NOW) + MESSAGE
    assert one(change(signed)).result == verdict


def test_names_of_other_scripts() -> None:
    """RFC 8616 §4: U-labels in d=, s= and i=."""
    key = msgspec.structs.replace(KEY, domain="xn--bcher-kva.example", selector="xn--ks-via")
    field = signature(MESSAGE, key, d="bücher.example", s="käs", i="@post.bücher.example")
    result = one(field + MESSAGE, resolver(key))
    assert (result.result, result.domain) == ("pass", "xn--bcher-kva.example")
