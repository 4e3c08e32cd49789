"""iprev: names that lead back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pillarbox.trust.iprev import IprevResult, check_iprev
from support.fake_resolver import FakeResolver

HOST = {"mail.example.net": {"A": ["192.0.2.3"], "AAAA": ["2001:db8::3"]}}


def check(ip: str, records: dict[str, Any], fail: dict[str, Any] | None = None) -> IprevResult:
    return asyncio.run(check_iprev(ip, FakeResolver(records, fail=fail)))


@pytest.mark.parametrize(
    ("ip", "names", "fail", "result", "name"),
    [
        ("192.0.2.3", ["mail.example.net"], {}, "pass", "mail.example.net"),
        ("2001:db8::3", ["mail.example.net"], {}, "pass", "mail.example.net"),
        ("192.0.2.3", ["other.example.net", "mail.example.net"], {}, "pass", "mail.example.net"),
        ("192.0.2.4", ["mail.example.net"], {}, "fail", "mail.example.net"),
        ("192.0.2.3", [], {}, "permerror", ""),
        ("192.0.2.3", ["mail.example.net"], {"192.0.2.3": "timeout"}, "temperror", ""),
        ("192.0.2.3", ["mail.example.net"], {"A mail.example.net": "servfail"}, "temperror",
         "mail.example.net"),
        ("192.0.2.3", ["a.example.net", "mail.example.net"], {"A a.example.net": "servfail"},
         "pass", "mail.example.net"),
    ],
)  # fmt: skip
def test_names(ip: str, names: list[str], fail: dict[str, Any], result: str, name: str) -> None:
    found = check(ip, HOST | {ip: {"PTR": names}}, fail)
    assert (found.result, found.name) == (result, name)


def test_an_ipv4_client_behind_an_ipv6_socket() -> None:
    assert check(
        "::ffff:192.0.2.3", HOST | {"192.0.2.3": {"PTR": ["mail.example.net"]}}
    ).result == ("pass")


def test_names_are_bounded() -> None:
    names = [f"h{number}.example.net" for number in range(1000)]
    resolver = FakeResolver({"192.0.2.3": {"PTR": names}})
    assert asyncio.run(check_iprev("192.0.2.3", resolver)).result == "fail"
    assert len(resolver.asked) == 11
