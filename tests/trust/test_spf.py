"""SPF beside its authors' suite: macros, bounds, other languages, nonsense."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.config.trust import TrustSettings
from pillarbox.dns.answer import Answer
from pillarbox.trust.spf import SpfResult, check_helo, check_host
from pillarbox.trust.spf.errors import BadSpfRecord
from pillarbox.trust.spf.macros import fit_name, parse_explanation, parse_macro_string
from pillarbox.trust.spf.record import parse_record
from support.fake_resolver import FakeResolver

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def check(
    records: dict[str, Any],
    *,
    ip: str = "192.0.2.3",
    sender: str = "alice@example.org",
    helo: str = "mail.example.net",
    resolver: FakeResolver | None = None,
    **more: Any,
) -> SpfResult:
    resolver = resolver or FakeResolver(records)
    trust = TrustSettings(**more)
    return asyncio.run(
        check_host(ip, helo, sender, resolver, trust, receiver="mx.example.org", now=NOW)
    )


# Macros: the examples of RFC 7208 §7.4

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "v": "in-addr",
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{d127}%%%_%-", "email.example.com% %20"),
        ("%{d99999999999999999999}", "email.example.com"),
    ],
)
def test_macros(text: str, expanded: str) -> None:
    assert parse_macro_string(text).expand(VALUES.__getitem__) == expanded


@pytest.mark.parametrize("text", ["%", "%(ir)", "%{x}", "%{d0}", "%{d00}", "%{c}", "a b", "%{d!}"])
def test_broken_macros(text: str) -> None:
    with pytest.raises(BadSpfRecord):
        parse_macro_string(text)


def test_explanations_take_more() -> None:
    text = parse_explanation("%{c} at %{t}, says %{r}")
    values = {"c": "192.0.2.3", "t": "0", "r": "mx"}
    assert text.expand(values.__getitem__) == "192.0.2.3 at 0, says mx"


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("example.org.", "example.org"),
        ("a" * 60 + "." + "b." * 120 + "org", "b." * 120 + "org"),
        ("x" * 300, ""),
        ("x" * 300 + ".org", "org"),
        ("a.", "a"),
    ],
)
def test_names_are_cut_from_the_left(name: str, fitted: str) -> None:
    assert fit_name(name) == fitted


# Records


@pytest.mark.parametrize(
    "record",
    [
        b"v=spf1 all:x",
        b"v=spf1 include",
        b"v=spf1 include:",
        b"v=spf1 a:example.org/33",
        b"v=spf1 a//129",
        b"v=spf1 a/024",
        b"v=spf1 ip4:192.0.2",
        b"v=spf1 ip4:192.0.2.0/",
        b"v=spf1 ip4:192.0.2.0/255.255.255.0",
        b"v=spf1 ip4:2001:db8::",
        b"v=spf1 ip6:2001:db8::%eth0",
        b"v=spf1 ip6:192.0.2.1",
        b"v=spf1 mx:museum",
        b"v=spf1 a:example.org:8080",
        b"v=spf1 a:1.2.3.4",
        b"v=spf1 exists:x.-a",
        b"v=spf1 redirect=a.org redirect=a.org",
        b"v=spf1 exp=",
        b"v=spf1 odd=%{x}",
        b"v=spf1 tab\tall",
        b"v=spf1 \xc3\xa4ll",
        b"v=spf1 -",
        b"v=spf1 --all",
    ],
)
def test_broken_records(record: bytes) -> None:
    with pytest.raises(BadSpfRecord):
        parse_record(record)
    assert check({"example.org": {"TXT": [record]}}).result == "permerror"


def test_what_a_result_tells() -> None:
    found = check({"example.org": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}})
    assert (found.result, found.domain, found.scope) == ("pass", "example.org", "mfrom")
    assert found.mechanism == "ip4:192.0.2.0/24"
    assert found.why == "192.0.2.3 matches ip4:192.0.2.0/24 of example.org"


def test_an_ipv4_client_behind_an_ipv6_socket() -> None:
    records = {"example.org": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.3"]}}
    assert check(records, ip="::ffff:192.0.2.3").result == "pass"


def test_the_null_sender_is_postmaster_at_the_helo_name() -> None:
    records = {"mail.example.net": {"TXT": ["v=spf1 exists:%{l}.%{o} -all"]}}
    records["postmaster.mail.example.net"] = {"A": ["127.0.0.2"]}
    found = check(records, sender="")
    assert (found.result, found.scope, found.domain) == ("pass", "helo", "mail.example.net")


def test_the_helo_name_by_itself() -> None:
    resolver = FakeResolver({"mail.example.net": {"TXT": ["v=spf1 -all"]}})
    found = asyncio.run(
        check_helo(
            "192.0.2.3", "mail.example.net", resolver, TrustSettings(), receiver="mx", now=NOW
        )
    )
    assert (found.result, found.scope) == ("fail", "helo")


@pytest.mark.parametrize("helo", ["[192.0.2.3]", "[IPv6:2001:db8::1]", "localhost", "", "a b.org"])
def test_helo_names_that_are_no_domains(helo: str) -> None:
    assert check({}, sender="", helo=helo).result == "none"


# Other languages (RFC 8616 §4)


def test_a_domain_in_its_own_letters() -> None:
    records = {
        "xn--bcher-kva.example": {"TXT": ["v=spf1 exists:%{o} -all"], "A": ["192.0.2.9"]},
    }
    found = check(records, sender="alice@Bücher.example")
    assert (found.result, found.domain) == ("pass", "xn--bcher-kva.example")


def test_terms_with_a_local_part_outside_ascii_match_nothing() -> None:
    records = {
        "example.org": {"TXT": ["v=spf1 exists:%{l}.example.org -exists:%{s} ?all"]},
        "älice.example.org": {"A": ["192.0.2.9"]},
    }
    assert check(records, sender="älice@example.org").result == "neutral"


# Bounds


def _mx(count: int) -> list[tuple[int, str]]:
    return [(10, f"mx{number}.example.org") for number in range(count)]


def test_ten_mx_hosts_are_asked_and_eleven_are_an_error() -> None:
    records: dict[str, Any] = {"example.org": {"TXT": ["v=spf1 mx -all"], "MX": _mx(10)}}
    records["mx9.example.org"] = {"A": ["192.0.2.3"]}
    assert check(records).result == "pass"
    records["example.org"]["MX"] = _mx(11)
    assert check(records).result == "permerror"


def test_mail_hosts_without_an_address_are_one_void_lookup_together() -> None:
    """Hosts that have IPv6 only are no mistake of the domain."""
    records = {"example.org": {"TXT": ["v=spf1 mx -all"], "MX": _mx(5)}}
    assert check(records).result == "fail"


def test_an_include_of_itself_ends_at_the_tenth() -> None:
    resolver = FakeResolver({"example.org": {"TXT": ["v=spf1 include:example.org -all"]}})
    found = check({}, resolver=resolver)
    assert found.result == "permerror"
    assert len(resolver.asked) == 11


def test_the_costliest_record_asks_a_bounded_number_of_questions() -> None:
    mx = " ".join(f"mx:d{number}.example.org" for number in range(9))
    records: dict[str, Any] = {"example.org": {"TXT": [f"v=spf1 {mx} ptr:example.com -all"]}}
    for number in range(9):
        records[f"d{number}.example.org"] = {"MX": _mx(10)}
    for number in range(10):
        records[f"mx{number}.example.org"] = {"A": ["198.51.100.1"]}
    records["192.0.2.3"] = {"PTR": [f"h{number}.example.org" for number in range(40)]}
    resolver = FakeResolver(records)
    found = check({}, resolver=resolver)
    assert (found.result, found.lookups) == ("fail", 10)
    assert len(resolver.asked) == 1 + 9 * 11 + 11


@pytest.mark.timed
def test_time_is_bounded() -> None:
    class Silent(FakeResolver):
        async def txt(self, name: str) -> Answer[bytes]:
            await asyncio.Event().wait()
            raise AssertionError

    assert check({}, resolver=Silent(), spf_seconds=0.01).result == "temperror"


def test_an_overlong_record() -> None:
    records = {"example.org": {"TXT": ["v=spf1 " + "a " * 9000 + "-all"]}}
    assert check(records).result == "permerror"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See http://example.org/?s=%{S}&i=%{I}",
         "See http://example.org/?s=alice%40example.org&i=192.0.2.3"),
        ("x" * 1000, "x" * 250),
        ("caf\xe9", ""),
        ("two\r\nlines", ""),
        ("%{l}", "alice"),
    ],
)  # fmt: skip
def test_explanations(text: str, shown: str) -> None:
    records = {
        "example.org": {"TXT": ["v=spf1 -all exp=why.%{d}"]},
        "why.example.org": {"TXT": [text]},
    }
    assert check(records).explanation == shown


def test_an_explanation_does_not_show_what_breaks_a_reply() -> None:
    records = {
        "example.org": {"TXT": ["v=spf1 -all exp=why.%{d}"]},
        "why.example.org": {"TXT": ["%{l}"]},
    }
    assert check(records, sender="a\r\n250 b@example.org").explanation == ""


# Nonsense

_TERMS = """
    all a mx ptr include:%{d} exists:%{ir}.%{v}.%{d} ip4:192.0.2.3 ip6::: redirect=example.org
    exp=%{p}.example.org a/24//64 mx:%{h} x=%{l} %{p1r-}.org include:%{d255}.org a:%{O}.com
"""
TERMS = st.sampled_from(_TERMS.split())
RECORD = st.one_of(
    st.lists(st.tuples(st.sampled_from("+-~?"), TERMS), max_size=12).map(
        lambda terms: ("v=spf1 " + " ".join(sign + term for sign, term in terms)).encode()
    ),
    st.binary(max_size=60).map(lambda octets: b"v=spf1 " + octets),
)
ADDRESS = st.sampled_from(["192.0.2.3", "2001:db8::3"])
SENDER = st.one_of(
    st.sampled_from(["alice@example.org", "", "@example.org", "a.b-c+d@example.org", "x@y"]),
    st.text(max_size=20).map(lambda text: f"{text}@example.org"),
)


@given(record=RECORD, ip=ADDRESS, sender=SENDER, helo=st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_record_gives_a_result_within_bounds(
    record: bytes, ip: str, sender: str, helo: str
) -> None:
    names = ["example.org", "mail.example.net"]
    records = {name: {"TXT": [record], "A": ["192.0.2.3"], "MX": _mx(3)} for name in names}
    records[ip] = {"PTR": ["mail.example.net"]}
    resolver = FakeResolver(records)
    found = check({}, ip=ip, sender=sender, helo=helo, resolver=resolver)
    assert found.lookups <= 11
    assert len(resolver.asked) <= 150
    assert found.explanation.isascii()
