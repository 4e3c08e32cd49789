"""The fake that many tests rest on."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.dns.answer import Mx, Tlsa
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.resolver import Resolver
from support.fake_resolver import FakeResolver

RECORDS = {
    "example.org": {
        "MX": [(20, "b.example.org"), (10, "A.example.org.")],
        "TXT": ["v=spf1 -all", ("two ", "pieces")],
    },
    "null.example": {"MX": [(0, ".")]},
    "www.example.org": {"CNAME": "example.org"},
    "one.loop.example": {"CNAME": "two.loop.example"},
    "two.loop.example": {"CNAME": "one.loop.example"},
    "_25._tcp.a.example.org": {"TLSA": [(3, 1, 1, b"x" * 32)]},
    "192.0.2.1": {"PTR": ["a.example.org"]},
}


def test_records_of_each_kind() -> None:
    async def check() -> None:
        resolver: Resolver = FakeResolver(RECORDS)
        assert (await resolver.mx("Example.ORG.")).records == (
            Mx(10, "a.example.org"),
            Mx(20, "b.example.org"),
        )
        assert (await resolver.mx("null.example")).records == (Mx(0, ""),)
        assert (await resolver.txt("example.org")).records == (b"v=spf1 -all", b"two pieces")
        assert (await resolver.ptr("::ffff:192.0.2.1")).records == ("a.example.org",)
        assert (await resolver.tlsa("_25._tcp.a.example.org")).records == (
            Tlsa(3, 1, 1, b"x" * 32),
        )
        assert (await resolver.cname("www.example.org")).records == ("example.org",)

    asyncio.run(check())


def test_no_records_and_no_name() -> None:
    async def check() -> None:
        resolver = FakeResolver(RECORDS)
        nodata = await resolver.a("example.org")
        assert (nodata.records, nodata.exists) == ((), True)
        assert (await resolver.a("_tcp.a.example.org")).exists, "an empty non-terminal"
        nxdomain = await resolver.a("nobody.example")
        assert (nxdomain.records, nxdomain.exists) == ((), False)
        assert resolver.asked == ["A example.org", "A _tcp.a.example.org", "A nobody.example"]

    asyncio.run(check())


def test_chains_are_followed_and_authentic_only_as_a_whole() -> None:
    async def check() -> None:
        half = FakeResolver(RECORDS, authentic={"www.example.org"})
        answer = await half.mx("www.example.org")
        assert (answer.canonical, answer.authentic) == ("example.org", False)
        whole = FakeResolver(RECORDS, authentic={"www.example.org", "example.org"})
        assert (await whole.mx("www.example.org")).authentic
        with pytest.raises(DnsFailure, match="too long chain"):
            await whole.a("one.loop.example")

    asyncio.run(check())


def test_failures() -> None:
    async def check() -> None:
        resolver = FakeResolver(RECORDS, fail={"MX example.org": "timeout", "x.example": "refused"})
        with pytest.raises(DnsFailure) as caught:
            await resolver.mx("www.example.org")
        assert (caught.value.why, caught.value.name) == ("timeout", "www.example.org")
        assert (await resolver.txt("example.org")).records
        with pytest.raises(DnsFailure):
            await resolver.a("x.example")
        with pytest.raises(BadDnsName):
            await resolver.a("a..b")

    asyncio.run(check())
