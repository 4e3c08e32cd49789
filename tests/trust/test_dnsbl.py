"""DNS lists: how they are asked, which answers count (RFC 5782)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pillarbox.config.trust import DnsblSettings
from pillarbox.trust.dnsbl import Listing, check_dnsbl
from support.fake_resolver import FakeResolver

ZONE = DnsblSettings(zone="list.example")
HERE = "3.2.0.192.list.example"


def check(ip: str, records: dict[str, Any], *zones: DnsblSettings, **more: Any) -> list[Listing]:
    return list(asyncio.run(check_dnsbl(ip, zones or [ZONE], FakeResolver(records, **more))))


def test_a_listed_client_with_the_lists_reason() -> None:
    records = {HERE: {"A": ["127.0.0.2"], "TXT": ["see https://list.example/?192.0.2.3\x07"]}}
    assert check("192.0.2.3", records) == [
        Listing("list.example", "reject", ("127.0.0.2",), "see https://list.example/?192.0.2.3?")
    ]


def test_ipv6_is_asked_by_nibbles() -> None:
    name = ".".join("3" + "0" * 23 + "8bd01002") + ".list.example"
    assert check("2001:db8::3", {name: {"A": ["127.0.0.4"]}})[0].codes == ("127.0.0.4",)


@pytest.mark.parametrize(
    ("answers", "code", "is_listed"),
    [
        (("127.0.0.0/8",), "127.0.0.10", True),
        (("127.0.0.0/8",), "127.255.255.254", False),  # the list refuses our resolver
        (("127.0.0.0/8",), "192.0.2.80", False),  # a domain that was sold and answers anything
        (("127.0.0.2", "127.0.0.3"), "127.0.0.3", True),
        (("127.0.0.2", "127.0.0.3"), "127.0.0.4", False),
    ],
)
def test_which_answers_count(answers: tuple[str, ...], code: str, is_listed: bool) -> None:
    zone = DnsblSettings(zone="list.example", answers=answers)
    assert bool(check("192.0.2.3", {HERE: {"A": [code]}}, zone)) is is_listed


def test_a_silent_list_has_nobody_and_the_others_count() -> None:
    other = DnsblSettings(zone="other.example", action="junk")
    records = {"3.2.0.192.other.example": {"A": ["127.0.0.2"]}}
    (found,) = check("192.0.2.3", records, ZONE, other, fail={HERE: "timeout"})
    assert (found.zone, found.action) == ("other.example", "junk")
