"""MTA-STS: records, policies, and when they are fetched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pillarbox.trust.mta_sts.cached import (
    NOTHING,
    Known,
    note_failed,
    note_fetched,
    plan_policy,
)
from pillarbox.trust.mta_sts.policy import (
    BadPolicy,
    Policy,
    encode_policy,
    matches,
    parse_policy,
    parse_response,
)
from pillarbox.trust.mta_sts.record import encode_sts_record, parse_sts_record, policy_url

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WEEK = Policy("enforce", ("mx.example.org",), timedelta(days=7))


@pytest.mark.parametrize(
    ("records", "ident"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=1"], "1"),
        ([b"v=STSv1 ; id=1 ; "], "1"),
        ([b"v=STSv1;\tfuture=x:y/z;id=1;id=2"], "1"),
        ([b"v=STSv1;id=1", b"v=spf1 -all", b"v=STSv12;id=2"], "1"),
        ([b"v=STSv1; id=" + b"a" * 32], "a" * 32),
        ([], None),
        ([b""], None),
        ([b"v=STSv1;id=1", b"v=STSv1;id=2"], None),
        ([b"v=STSv1"], None),
        ([b"v=STSv1;"], None),
        ([b"V=STSv1;id=1"], None),
        ([b" v=STSv1;id=1"], None),
        ([b"id=1;v=STSv1"], None),
        ([b"v=STSv1;id="], None),
        ([b"v=STSv1;id=a-b"], None),
        ([b"v=STSv1; id=" + b"a" * 33], None),
        ([b"v=STSv1;ID=1"], None),
        ([b"v=STSv1;id=1;;"], None),
        ([b"v=STSv1;id=1;nonsense"], None),
        ([b"v=STSv1;id=1;x=\xff"], None),
        ([b"v=STSv1;id=1;" + b"x=1;" * 2000], None),
    ],
)
def test_records(records: list[bytes], ident: str | None) -> None:
    assert parse_sts_record(records) == ident


def test_our_own_record() -> None:
    assert parse_sts_record([encode_sts_record("20261101").encode()]) == "20261101"
    with pytest.raises(ValueError, match="letters"):
        encode_sts_record("a;b")
    assert policy_url("example.org") == "https://mta-sts.example.org/.well-known/mta-sts.txt"


FULL = b"""version: STSv1\r
mode: enforce\r
mx: mail.example.org\r
mx: *.Example.NET\r
max_age: 604800\r
"""


@pytest.mark.parametrize(
    ("octets", "mode", "mx", "seconds"),
    [
        (FULL, "enforce", ("mail.example.org", "*.example.net"), 604_800),
        (FULL.replace(b"\r", b""), "enforce", ("mail.example.org", "*.example.net"), 604_800),
        (FULL.replace(b": ", b":"), "enforce", ("mail.example.org", "*.example.net"), 604_800),
        (b"max_age:0\nmode:none\nversion:STSv1", "none", (), 0),
        (b"version:STSv1\nmode:testing\nmax_age: 1 \t\nmx:a\nmode:enforce\n", "testing", ("a",), 1),
        (b"version:STSv1\nnew-one: \xc3\xbc\nmode:none\nmax_age:9999999999", "none", (), 31557600),
    ],
)
def test_policies(octets: bytes, mode: str, mx: tuple[str, ...], seconds: int) -> None:
    policy = parse_policy(octets)
    assert (policy.mode, policy.mx, policy.max_age) == (mode, mx, timedelta(seconds=seconds))
    assert parse_policy(encode_policy(policy)) == policy


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<html></html>",
        FULL.replace(b"STSv1", b"STSv2"),
        FULL.replace(b"version", b"Version"),
        FULL.replace(b"enforce", b"Enforce"),
        FULL.replace(b"604800", b""),
        FULL.replace(b"604800", b"-1"),
        FULL.replace(b"604800", b"1e9"),
        FULL.replace(b"604800", b"12345678901"),
        FULL.replace(b"mail.example.org", b"mail.*.org"),
        FULL.replace(b"mail.example.org", b"*"),
        FULL.replace(b"mail.example.org", b"a b"),
        FULL.replace(b"mail.example.org", b"a..b"),
        FULL.replace(b"mail.example.org", b"x" * 300),
        FULL.replace(b"mail.example.org", b"m\xc3\xbcller.example"),
        FULL.replace(b"mx: ", b"nx: "),
        FULL + b"\r\nx: y",
        FULL + b"x: \0",
        FULL + b"x: \xff",
        FULL + b"mx: a.example\r\n" * 201,
        FULL + b"x: " + b"y" * 65_536,
    ],
)
def test_what_is_no_policy(octets: bytes) -> None:
    with pytest.raises(BadPolicy) as caught:
        parse_policy(octets)
    assert caught.value.result == "sts-policy-invalid"


@pytest.mark.parametrize(
    ("status", "content_type", "result"),
    [
        (200, "text/plain", None),
        (200, "Text/Plain; charset=utf-8", None),
        (200, "text/html", "sts-policy-invalid"),
        (200, "", "sts-policy-invalid"),
        (301, "text/plain", "sts-policy-fetch-error"),
        (404, "text/plain", "sts-policy-fetch-error"),
        (204, "text/plain", "sts-policy-fetch-error"),
    ],
)
def test_responses(status: int, content_type: str, result: str | None) -> None:
    if result is None:
        assert parse_response(status, content_type, FULL).mode == "enforce"
    else:
        with pytest.raises(BadPolicy) as caught:
            parse_response(status, content_type, FULL)
        assert caught.value.result == result


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("mail.example.org", True),
        ("MAIL.example.org.", True),
        ("x.mail.example.org", False),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        (".example.net", False),
        ("*.example.net", False),
        ("", False),
    ],
)
def test_hosts(host: str, named: bool) -> None:
    assert matches(parse_policy(FULL), host) is named


AGE = timedelta
KNOWN = note_fetched("1", WEEK, NOW)


@pytest.mark.parametrize(
    ("known", "ident", "after", "counts", "fetch", "wait"),
    [
        (NOTHING, None, AGE(), False, False, False),
        (NOTHING, "1", AGE(), False, True, True),
        (KNOWN, "1", AGE(hours=23), True, False, False),
        (KNOWN, "1", AGE(hours=24), True, True, False),
        (KNOWN, "2", AGE(hours=1), True, True, True),
        (KNOWN, None, AGE(days=6), True, False, False),
        (KNOWN, None, AGE(days=7), False, False, False),
        (KNOWN, "1", AGE(days=7), False, True, True),
        (note_failed(NOTHING, "1", NOW), "1", AGE(minutes=4), False, False, False),
        (note_failed(NOTHING, "1", NOW), "1", AGE(minutes=5), False, True, True),
        (note_failed(NOTHING, "1", NOW), "2", AGE(minutes=1), False, True, True),
        (note_failed(KNOWN, "2", NOW), "2", AGE(minutes=1), True, False, False),
        (note_failed(KNOWN, "2", NOW), "2", AGE(hours=1), True, True, True),
        (note_failed(KNOWN, "1", NOW + AGE(1)), "1", AGE(1, minutes=1), True, False, False),
    ],
)  # fmt: skip
def test_when_it_is_fetched(
    known: Known, ident: str | None, after: timedelta, counts: bool, fetch: bool, wait: bool
) -> None:
    decision = plan_policy(known, ident, NOW + after)
    assert (decision.policy is not None, decision.fetch, decision.wait) == (counts, fetch, wait)


def test_a_fetch_that_succeeds_forgets_the_failure() -> None:
    assert note_fetched("1", WEEK, NOW).failed_at is None
    assert note_failed(KNOWN, "2", NOW).policy == WEEK
