"""The addresses of a host, of both families."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.dns.addresses import find_addresses
from pillarbox.dns.errors import BadDnsName, DnsFailure
from support.fake_resolver import FakeResolver

HOST = "mx.example.org"
BOTH = {HOST: {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]}}


def find(resolver: FakeResolver, host: str = HOST) -> tuple[str, ...]:
    return asyncio.run(find_addresses(resolver, host))


def test_both_families() -> None:
    assert find(FakeResolver(BOTH)) == ("2001:db8::1", "192.0.2.1", "192.0.2.2")
    assert find(FakeResolver({})) == ()


def test_one_family_will_do() -> None:
    half = FakeResolver(BOTH, fail={f"AAAA {HOST}": "servfail"})
    assert find(half) == ("192.0.2.1", "192.0.2.2")


def test_nothing_and_a_failure_is_a_failure() -> None:
    with pytest.raises(DnsFailure):
        find(FakeResolver({HOST: {}}, fail={f"A {HOST}": "timeout"}))
    with pytest.raises(BadDnsName):
        find(FakeResolver({}), "a..b")
