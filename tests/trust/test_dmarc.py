"""DMARC: records, where they stand, alignment, what the owner asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.config.trust import TrustSettings
from pillarbox.trust.dkim.result import DkimResult
from pillarbox.trust.dmarc import (
    DmarcResult,
    ReportAddress,
    evaluate,
    find_organizational_domain,
    parse_record,
)
from pillarbox.trust.dmarc.record import is_dmarc
from pillarbox.trust.dmarc.tree import levels, listed_domain
from pillarbox.trust.spf.result import SpfResult
from support.fake_resolver import FakeResolver

NO_SPF = SpfResult("none", "example.net", "mfrom")


def zone(**records: str) -> dict[str, Any]:
    """`example_org="v=…"` is the record at _dmarc.example.org; `__` stands for a hyphen."""
    return {
        f"_dmarc.{name.replace('__', '-').replace('_', '.')}": {"TXT": [record]}
        for name, record in records.items()
    }


def judge(
    domains: str | Sequence[str],
    records: dict[str, Any],
    *,
    spf: str = "",
    dkim: Sequence[str] = (),
    fail: dict[str, Any] | None = None,
    **more: Any,
) -> DmarcResult:
    """`spf` and `dkim` name the domains that passed."""
    return asyncio.run(
        evaluate(
            [domains] if isinstance(domains, str) else domains,
            SpfResult("pass", spf, "mfrom") if spf else NO_SPF,
            [DkimResult("pass", one) for one in dkim],
            FakeResolver(records, fail=fail),
            TrustSettings(**more),
        )
    )


# Records


@pytest.mark.parametrize(
    ("record", "holds"),
    [
        (b"v=DMARC1", True),
        (b"v = DMARC1 ;p=none", True),
        (b"v=DMARC1;", True),
        (b"v=dmarc1; p=none", False),
        (b"V=DMARC1; p=none", False),
        (b"v=DMARC10; p=none", False),
        (b"p=none; v=DMARC1", False),
        (b" v=DMARC1", False),
        (b"v=spf1 -all", False),
        (b"", False),
    ],
)
def test_which_records_are_dmarc(record: bytes, holds: bool) -> None:
    assert is_dmarc(record) is holds


def test_a_whole_record() -> None:
    record = parse_record(
        b"v=DMARC1; p=Reject ; sp=quarantine;np=none; adkim=s; aspf=S;psd=n;t=y; fo=d:s;"
        b" rua=mailto:a@example.org!10m , https://example.org/r ,mailto:b%2Cc@example.org!1; x=y;;"
        b"ruf=mailto:f@example.org"
    )
    assert (record.p, record.sp, record.np) == ("reject", "quarantine", "none")
    assert (record.adkim, record.aspf, record.psd, record.testing) == ("s", "s", "n", True)
    assert record.fo == ("d", "s")
    assert record.rua == (
        ReportAddress("mailto:a@example.org", "a@example.org", 10 << 20),
        ReportAddress("https://example.org/r", "", None),
        ReportAddress("mailto:b%2Cc@example.org", "b,c@example.org", 1),
    )
    assert record.ruf[0].address == "f@example.org"
    assert record.broken == ""


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b"v=DMARC1", {"p": "none", "adkim": "r", "aspf": "r", "psd": "u", "broken": ""}),
        (b"v=DMARC1; adkim=x; aspf=; psd=maybe; fo=2; t=1; p=reject",
         {"p": "reject", "adkim": "r", "aspf": "r", "psd": "u", "fo": ("0",), "testing": False}),
        (b"v=DMARC1; p=nonsense; rua=mailto:a@example.org", {"p": "none", "broken": ""}),
        (b"v=DMARC1; p=nonsense", {"p": "none", "broken": "p=nonsense is no policy"}),
        (b"v=DMARC1; p=reject; sp=x; rua=mailto:a@example.org", {"p": "none", "sp": None}),
        (b"v=DMARC1; p=reject; np=x", {"broken": "np=x is no policy"}),
        (b"v=DMARC1; p=nonsense; rua=somewhere", {"broken": "p=nonsense is no policy", "rua": ()}),
        (b"v=DMARC1; p=none; p=reject", {"p": "none"}),
        (b"v=DMARC1; p=reject; pct=0", {"p": "reject", "testing": True}),
        (b"v=DMARC1; p=reject; pct=50", {"testing": False}),
        (b"v=DMARC1; p=reject; pct=0; t=n", {"testing": False}),
        (b"v=DMARC1; p=reject; \xff\xfe=\x00", {"p": "reject"}),
        (b"v=DMARC1\r\n; p=reject\r\n", {"p": "reject"}),
    ],
)  # fmt: skip
def test_odd_records(record: bytes, expected: dict[str, Any]) -> None:
    parsed = parse_record(record)
    assert {name: getattr(parsed, name) for name in expected} == expected


def test_report_addresses_are_bounded() -> None:
    record = b"v=DMARC1; rua=" + b",".join(b"mailto:%d@example.org" % n for n in range(1000))
    assert len(parse_record(record, 3).rua) == 3


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_octets_are_a_record(octets: bytes) -> None:
    parsed = parse_record(b"v=DMARC1;" + octets)
    assert parsed.p in {"none", "quarantine", "reject"}


# The walk


def test_eight_questions_at_most() -> None:
    assert levels("example.org") == ["example.org", "org"]
    assert len(levels(".".join("abcdefghijklmnop"))) == 8
    assert levels(".".join("abcdefghijklmnop"))[:2] == ["a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p",
                                                       "j.k.l.m.n.o.p"]  # fmt: skip
    assert levels("a.b.c.d.e.f.g.h")[1] == "b.c.d.e.f.g.h"


@pytest.mark.parametrize(
    ("domain", "records", "organization"),
    [
        ("a.mail.example.org", zone(mail_example_org="v=DMARC1", example_org="v=DMARC1"),
         "example.org"),
        ("a.mail.example.org", zone(org="v=DMARC1;psd=y"), "example.org"),
        ("a.mail.example.org", zone(mail_example_org="v=DMARC1;psd=n", example_org="v=DMARC1"),
         "mail.example.org"),
        ("example.org", zone(example_org="v=DMARC1;psd=y"), "example.org"),
        ("mail.example.co.uk", {}, "example.co.uk"),  # by the list
        ("mail.example.co.uk", zone(co_uk="v=DMARC1;psd=y"), "example.co.uk"),
        ("co.uk", {}, "co.uk"),
    ],
)  # fmt: skip
def test_organizational_domains(domain: str, records: dict[str, Any], organization: str) -> None:
    resolver = FakeResolver(records)
    assert asyncio.run(find_organizational_domain(domain, resolver)) == organization


@pytest.mark.parametrize(
    ("domain", "listed"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("a.example.unheard-of", "example.unheard-of"),
    ],
)
def test_the_list(domain: str, listed: str) -> None:
    assert listed_domain(domain) == listed


# Alignment

RELAXED = zone(example_org="v=DMARC1; p=reject")
STRICT = zone(example_org="v=DMARC1; p=reject; aspf=s; adkim=s")


@pytest.mark.parametrize(
    ("author", "identifier", "records", "aligns"),
    [
        ("example.org", "example.org", RELAXED, True),
        ("example.org", "EXAMPLE.ORG.", RELAXED, True),
        ("example.org", "mail.example.org", RELAXED, True),
        ("mail.example.org", "example.org", RELAXED, True),
        ("a.example.org", "b.example.org", RELAXED, True),
        ("example.org", "badexample.org", RELAXED, False),
        ("example.org", "example.com", RELAXED, False),
        ("example.org", "org", RELAXED, False),
        ("example.org", "example.org", STRICT, True),
        ("example.org", "mail.example.org", STRICT, False),
        ("mail.example.org", "example.org", STRICT, False),
        ("bücher.example", "xn--bcher-kva.example",
         {"_dmarc.xn--bcher-kva.example": {"TXT": ["v=DMARC1; p=reject"]}}, True),
        # A subdomain with a record of its own belongs to the same organisation …
        ("example.org", "mail.example.org",
         RELAXED | zone(mail_example_org="v=DMARC1; p=none"), True),
        # … unless it says that it does not.
        ("example.org", "mail.example.org",
         RELAXED | zone(mail_example_org="v=DMARC1; p=none; psd=n"), False),
        # Customers below a public suffix are strangers to one another.
        ("a.host.example", "b.host.example", zone(host_example="v=DMARC1; p=reject; psd=y"), False),
        ("x.a.host.example", "a.host.example",
         zone(host_example="v=DMARC1; p=reject; psd=y"), True),
        # No record above: the list decides, as RFC 7489's publishers meant it …
        ("a.example.co.uk", "example.co.uk", zone(a_example_co_uk="v=DMARC1; p=reject"), True),
        ("a.example.co.uk", "b.example.co.uk", zone(a_example_co_uk="v=DMARC1; p=reject"), True),
        ("example.co.uk", "other.co.uk", zone(example_co_uk="v=DMARC1; p=reject"), False),
        # … unless the record draws the border itself.
        ("a.example.co.uk", "example.co.uk", zone(a_example_co_uk="v=DMARC1; p=reject; psd=n"),
         False),
    ],
)  # fmt: skip
def test_alignment(author: str, identifier: str, records: dict[str, Any], aligns: bool) -> None:
    by_dkim = judge(author, records, dkim=["unrelated.example.net", identifier])
    by_spf = judge(author, records, spf=identifier)
    wanted = "pass" if aligns else "fail"
    assert (by_dkim.result, by_dkim.dkim_aligned, by_dkim.spf_aligned) == (wanted, aligns, False)
    assert (by_spf.result, by_spf.dkim_aligned, by_spf.spf_aligned) == (wanted, False, aligns)


def test_strangers_cost_no_questions() -> None:
    resolver = FakeResolver(RELAXED)
    dkim = [DkimResult("pass", f"d{number}.example.net") for number in range(50)]
    asyncio.run(evaluate(["example.org"], NO_SPF, dkim, resolver, TrustSettings()))
    assert resolver.asked == ["TXT _dmarc.example.org", "TXT _dmarc.org"]


# Policies


@pytest.mark.parametrize(
    ("author", "records", "policy", "disposition"),
    [
        ("example.org", RELAXED, "reject", "reject"),
        ("mail.example.org", RELAXED, "reject", "reject"),
        ("mail.example.org", zone(example_org="v=DMARC1; p=reject; sp=none"), "none", "none"),
        ("example.org", zone(example_org="v=DMARC1; p=none; sp=reject"), "none", "none"),
        ("mail.example.org", zone(example_org="v=DMARC1; p=none; sp=reject",
                                  mail_example_org="v=DMARC1; p=quarantine"),
         "quarantine", "quarantine"),
        ("a.mail.example.org", zone(example_org="v=DMARC1; p=reject",
                                    mail_example_org="v=DMARC1; p=none"), "reject", "reject"),
        ("example.org", zone(example_org="v=DMARC1; p=reject; t=y"), "reject", "none"),
        ("a.host.example", zone(host_example="v=DMARC1; psd=y; p=none; np=reject"),
         "reject", "reject"),
        ("example.org", zone(example_org="v=DMARC1; p=quarantine; np=reject"),
         "quarantine", "quarantine"),
    ],
)  # fmt: skip
def test_policies(author: str, records: dict[str, Any], policy: str, disposition: str) -> None:
    found = judge(author, records)
    assert (found.result, found.policy, found.disposition) == ("fail", policy, disposition)


@pytest.mark.parametrize("kind", ["A", "AAAA", "MX"])
def test_np_is_for_domains_that_do_not_exist(kind: str) -> None:
    records = zone(example_org="v=DMARC1; p=none; np=reject")
    value = {"A": "192.0.2.1", "AAAA": "2001:db8::1", "MX": [(10, "mx.example.org")]}[kind]
    assert judge("new.example.org", records).disposition == "reject"
    assert judge("new.example.org", records | {"new.example.org": {kind: value}}).policy == "none"
    unsure = judge("new.example.org", records, fail={f"{kind} new.example.org": "timeout"})
    assert unsure.policy == "none"


# Other results


@pytest.mark.parametrize(
    ("author", "records", "result"),
    [
        ("example.org", {}, "none"),
        ("example.org", {"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"] * 2}}, "none"),
        ("example.org", {"_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject", "hello"]}}, "fail"),
        ("example.org", zone(example_org="v=DMARC1; p=maybe"), "permerror"),
        ("a..b", {}, "permerror"),
        ("x" * 64 + ".org", {}, "permerror"),
        ("\u2060.org", {}, "permerror"),
        ([], {}, "permerror"),
        ([f"d{number}.example.org" for number in range(6)], {}, "permerror"),
    ],
)
def test_results(author: str | list[str], records: dict[str, Any], result: str) -> None:
    assert judge(author, records).result == result


@pytest.mark.parametrize(
    ("fail", "spf", "result"),
    [
        ({"TXT _dmarc.example.org": "timeout"}, "example.org", "temperror"),
        # The record is there, and its organisation does not matter to what is the same domain.
        ({"TXT _dmarc.org": "servfail"}, "example.org", "pass"),
        ({"TXT _dmarc.org": "servfail"}, "", "fail"),
        ({"TXT _dmarc.org": "servfail"}, "other.example.net", "fail"),
        # Only psd=n there would make it another organisation's, which hardly anybody says.
        ({"TXT _dmarc.mail.example.org": "servfail"}, "mail.example.org", "pass"),
    ],
)
def test_a_silent_dns(fail: dict[str, Any], spf: str, result: str) -> None:
    assert judge("example.org", RELAXED, spf=spf, fail=fail).result == result


def test_a_border_that_is_not_known() -> None:
    records = zone(a_example_co_uk="v=DMARC1; p=reject")
    fail = {"TXT _dmarc.example.co.uk": "timeout"}
    assert judge("a.example.co.uk", records, spf="b.example.co.uk", fail=fail).result == "temperror"
    assert judge("a.example.co.uk", records, spf="other.co.uk", fail=fail).result == "fail"


@pytest.mark.parametrize(
    ("spf", "dkim", "result"),
    [
        ("example.org", "", "temperror"),
        ("", "mail.example.org", "temperror"),
        ("example.net", "", "fail"),
        ("", "attacker.example.net", "fail"),
    ],
)
def test_only_aligned_doubts_excuse(spf: str, dkim: str, result: str) -> None:
    found = asyncio.run(
        evaluate(
            ["example.org"],
            SpfResult("temperror", spf, "mfrom") if spf else NO_SPF,
            [DkimResult("temperror", dkim)] if dkim else [],
            FakeResolver(RELAXED),
            TrustSettings(),
        )
    )
    assert (found.result, found.disposition) == (result, "none" if result != "fail" else "reject")


@pytest.mark.parametrize(
    ("authors", "result", "from_domain"),
    [
        (["example.org", "example.net"], "fail", "example.org"),
        (["example.com", "example.org"], "fail", "example.org"),
        (["example.net", "EXAMPLE.NET"], "pass", "example.net"),
        (["example.net", "unpublished.example"], "none", "unpublished.example"),
        (["example.com", "example.edu"], "fail", "example.edu"),
    ],
)
def test_several_authors(authors: list[str], result: str, from_domain: str) -> None:
    records = zone(
        example_org="v=DMARC1; p=reject",
        example_net="v=DMARC1; p=reject",
        example_com="v=DMARC1; p=none",
        example_edu="v=DMARC1; p=quarantine",
    )
    found = judge(authors, records, spf="example.net")
    assert (found.result, found.from_domain) == (result, from_domain)
