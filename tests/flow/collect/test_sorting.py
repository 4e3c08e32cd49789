"""What collected mail is judged by, without the client that sent it."""

from __future__ import annotations

import pytest

from pillarbox.clock import SystemClock
from pillarbox.config.trust import TrustSettings
from pillarbox.flow.collect.sorting import ContentSorter
from support.fake_resolver import FakeResolver
from support.store_box import letter

DNS = {
    "_dmarc.bank.example": {"TXT": ["v=DMARC1; p=reject"]},
    "bank.example": {"TXT": ["v=spf1 -all"], "MX": [(1, "mx.bank.example")]},
    "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]},
}


async def is_junk(octets: bytes, resolver: FakeResolver | None = None, **settings: bool) -> bool:
    trust = TrustSettings(**settings)  # type: ignore[arg-type]
    sorter = ContentSorter(resolver or FakeResolver(DNS), trust, SystemClock())
    return await sorter.is_junk(octets, len(octets))


@pytest.mark.parametrize(
    ("author", "sender", "expected"),
    [
        ("service@bank.example", "<x@forger.example>", True),
        ("service@bank.example", "<bounces@mail.bank.example>", False),  # SPF may have passed
        ("service@bank.example", "", False),
        ("service@shop.example", "<x@forger.example>", False),
        ("bob@nothing.example", "<bob@nothing.example>", False),
        ("a@bank.example, b@shop.example", "<x@forger.example>", True),
        ("nobody at all", "<x@forger.example>", True),
    ],
)
async def test_unsigned_mail(author: str, sender: str, expected: bool) -> None:
    octets = letter(From=author)
    if sender:
        octets = b"Return-Path: " + sender.encode() + b"\r\n" + octets
    assert await is_junk(octets) is expected


async def test_who_does_not_judge_does_not_sort() -> None:
    octets = b"Return-Path: <x@forger.example>\r\n" + letter(From="service@bank.example")
    assert not await is_junk(octets, judge=False)


async def test_a_dead_dns_speaks_against_nobody() -> None:
    resolver = FakeResolver(DNS, fail={"TXT _dmarc.bank.example": "timeout"})
    octets = b"Return-Path: <x@forger.example>\r\n" + letter(From="service@bank.example")
    assert not await is_junk(octets, resolver)


@pytest.mark.parametrize("octets", [b"", b"\x00\xff", b"From: a@bank.example"])
async def test_any_octets(octets: bytes) -> None:
    assert await is_junk(octets) in (True, False)
