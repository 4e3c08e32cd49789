"""The resolver against a real name server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pillarbox.config.dns import DnsSettings
from pillarbox.dns.answer import Mx, Srv, Tlsa
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.dns.stub import StubResolver
from support.fake_clock import FakeClock
from support.name_server import NameServer

RECORDS: dict[str, dict[str, Any]] = {
    "example.org": {
        "MX": [(20, "b.example.org"), (10, "A.example.org.")],
        "TXT": ["v=spf1 -all", ("two ", "pieces"), "x" * 600, b"\xff\x00octets", ""],
        "A": ["192.0.2.1", "192.0.2.2"],
        "AAAA": ["2001:db8::1"],
    },
    "null.example": {"MX": [(0, ".")]},
    "www.example.org": {"CNAME": "web.example.org"},
    "web.example.org": {"CNAME": "example.org"},
    "dangling.example.org": {"CNAME": "gone.example.org"},
    "one.loop.example": {"CNAME": "two.loop.example"},
    "two.loop.example": {"CNAME": "one.loop.example"},
    "_25._tcp.a.example.org": {"TLSA": [(3, 1, 1, b"x" * 32)]},
    "_imaps._tcp.example.org": {
        "SRV": [(20, 0, 993, "b.example.org"), (10, 5, 9993, "A.example.org.")]
    },
    "_pop3s._tcp.example.org": {"SRV": [(0, 0, 0, ".")]},
    "192.0.2.1": {"PTR": ["a.example.org"]},
    "2001:db8::1": {"PTR": ["a.example.org", "B.example.org"]},
    "big.example.org": {"TXT": [f"{n} {'x' * 200}" for n in range(100)]},
    **{f"{n}.long.example": {"CNAME": f"{n + 1}.long.example"} for n in range(12)},
    "12.long.example": {"A": ["192.0.2.12"]},
}

Check = Callable[[NameServer, StubResolver, FakeClock], Awaitable[None]]


def run(check: Check, *, server: NameServer | None = None, **settings: Any) -> None:
    """One name server, one resolver that asks it."""

    async def all_of_it() -> None:
        async with server or NameServer(RECORDS) as running:
            clock = FakeClock()
            settings.setdefault("servers", (running.address,))
            resolver = StubResolver(DnsSettings(**settings), clock)
            await check(running, resolver, clock)
            await resolver.close()

    asyncio.run(all_of_it())


def test_records_of_each_kind() -> None:
    async def check(_: NameServer, resolver: StubResolver, __: FakeClock) -> None:
        mx = await resolver.mx("Example.ORG.")
        assert mx.records == (Mx(10, "a.example.org"), Mx(20, "b.example.org"))
        assert (mx.name, mx.canonical, mx.exists) == ("example.org", "example.org", True)
        assert mx.ttl == 300
        assert (await resolver.mx("null.example")).records == (Mx(0, ""),)
        assert set((await resolver.txt("example.org")).records) == {
            b"v=spf1 -all",
            b"two pieces",
            b"x" * 600,
            b"\xff\x00octets",
            b"",
        }
        assert set((await resolver.a("example.org")).records) == {"192.0.2.1", "192.0.2.2"}
        assert (await resolver.aaaa("example.org")).records == ("2001:db8::1",)
        for address in ("192.0.2.1", "::ffff:192.0.2.1"):
            assert (await resolver.ptr(address)).records == ("a.example.org",)
        assert set((await resolver.ptr("2001:db8::1")).records) == {
            "a.example.org",
            "b.example.org",
        }
        tlsa = await resolver.tlsa("_25._tcp.a.example.org")
        assert tlsa.records == (Tlsa(3, 1, 1, b"x" * 32),)
        srv = await resolver.srv("_imaps._tcp.example.org")
        assert srv.records == (Srv(10, 5, 9993, "a.example.org"), Srv(20, 0, 993, "b.example.org"))
        assert (await resolver.srv("_pop3s._tcp.example.org")).records == (Srv(0, 0, 0, ""),)
        assert (await resolver.cname("www.example.org")).records == ("web.example.org",)
        assert (await resolver.cname("example.org")).records == ()

    run(check)


def test_an_answer_is_kept_until_its_time() -> None:
    async def check(server: NameServer, resolver: StubResolver, clock: FakeClock) -> None:
        await resolver.mx("example.org")
        await clock.advance(299)
        assert (await resolver.mx("example.org")).ttl == 1
        assert server.asked == ["MX example.org"]
        await clock.advance(1)
        assert (await resolver.mx("example.org")).ttl == 300
        assert server.asked == ["MX example.org"] * 2

    run(check)


@pytest.mark.parametrize(
    ("told", "kept", "told_negative", "kept_negative"),
    [(0, 5, 0, 5), (300, 300, 120, 120), (10**9, 86_400, 10**6, 900), (60, 60, None, 60)],
)
def test_how_long_an_answer_is_kept(
    told: int, kept: int, told_negative: int | None, kept_negative: int
) -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        server.ttl, server.negative_ttl = told, told_negative
        assert (await resolver.a("example.org")).ttl == kept
        assert (await resolver.a("nobody.example")).ttl == kept_negative
        assert (await resolver.a("null.example")).ttl == kept_negative

    run(check)


def test_without_a_cache_each_question_is_asked() -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        for _number in range(2):
            assert (await resolver.a("www.example.org")).canonical == "example.org"
            assert not (await resolver.a("nobody.example")).exists
        assert len(server.asked) == 4

    run(check, cache_entries=0)


def test_absent_names_and_absent_records() -> None:
    async def check(server: NameServer, resolver: StubResolver, clock: FakeClock) -> None:
        nodata = await resolver.aaaa("null.example")
        assert (nodata.records, nodata.exists) == ((), True)
        nothing = await resolver.aaaa("nobody.example")
        assert (nothing.records, nothing.exists) == ((), False)
        server.asked.clear()
        assert not (await resolver.mx("nobody.example")).exists, "no type of an absent name"
        assert server.asked == []
        assert (await resolver.mx("null.example")).records
        await clock.advance(121)
        server.records["nobody.example"] = {"A": ["192.0.2.7"]}
        assert (await resolver.a("nobody.example")).records == ("192.0.2.7",)

    run(check)


@pytest.mark.parametrize("follow", [True, False])
def test_chains(follow: bool) -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        server.follow = follow
        answer = await resolver.mx("www.example.org")
        assert (answer.name, answer.canonical) == ("www.example.org", "example.org")
        assert len(answer.records) == 2
        server.asked.clear()
        assert (await resolver.mx("web.example.org")).records == answer.records
        assert server.asked == [], "each link of the chain is known"
        dangling = await resolver.a("dangling.example.org")
        assert (dangling.canonical, dangling.exists) == ("gone.example.org", False)
        absent = await resolver.tlsa("www.example.org")
        assert (absent.canonical, absent.exists, absent.records) == ("example.org", True, ())

    run(check)


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("name", ["one.loop.example", "0.long.example"])
def test_chains_without_an_end(name: str, follow: bool) -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        server.follow = follow
        for _number in range(2):
            with pytest.raises(DnsFailure) as caught:
                await resolver.a(name)
            assert caught.value.why == "too long chain"
        assert len(server.asked) <= 10
        assert (await resolver.a("4.long.example")).canonical == "12.long.example"

    run(check)


def test_authentic_only_when_the_resolver_is_trusted() -> None:
    async def untrusted(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        assert not (await resolver.a("example.org")).authentic

    async def trusted(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        assert (await resolver.a("example.org")).authentic
        assert (await resolver.a("example.org")).authentic, "from the cache, too"
        assert (await resolver.a("nobody.example")).authentic, "an absence can be proven"

    run(untrusted, server=NameServer(RECORDS, authentic=True))
    run(trusted, server=NameServer(RECORDS, authentic=True), trust_ad=True)


@pytest.mark.parametrize("follow", [True, False])
def test_a_chain_is_authentic_only_as_a_whole(follow: bool) -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        server.authentic = {"example.org", "www.example.org"}
        server.follow = follow
        assert (await resolver.a("example.org")).authentic
        assert not (await resolver.a("www.example.org")).authentic

    run(check, trust_ad=True)


def test_more_than_a_datagram_comes_by_tcp() -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        assert len((await resolver.txt("big.example.org")).records) == 100
        assert server.asked_by_tcp == ["TXT big.example.org"]
        server.truncate = True
        assert (await resolver.a("example.org")).records
        assert "A example.org" in server.asked_by_tcp

    run(check)


def test_a_hundred_callers_ask_once_and_one_may_leave() -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        server.delay = 0.05
        callers = [asyncio.create_task(resolver.mx("example.org")) for _ in range(100)]
        await asyncio.sleep(0.01)
        callers[0].cancel()
        answers = await asyncio.gather(*callers, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert all(len(answer.records) == 2 for answer in answers[1:])
        assert server.asked == ["MX example.org"]

    run(check)


def test_the_questions_on_their_way_are_bounded() -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        server.delay = 0.05
        callers = [asyncio.create_task(resolver.a(f"{n}.example.org")) for n in range(10)]
        await asyncio.sleep(0.03)
        assert len(server.asked) == 3
        await asyncio.gather(*callers)
        assert len(server.asked) == 10

    run(check, concurrent_questions=3)


def test_names_that_cannot_be_are_not_asked() -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        for name in ("", ".", "a..b", "x" * 64 + ".example", "a\r\nb", f"{'x.' * 130}example"):
            with pytest.raises(BadDnsName):
                await resolver.a(name)
        with pytest.raises(BadDnsName):
            await resolver.ptr("no address")
        assert server.asked == []

    run(check)


def test_odd_names_reach_the_server_as_they_are() -> None:
    async def check(server: NameServer, resolver: StubResolver, _: FakeClock) -> None:
        for name in ("a b.example", "~jack&jill=up\\x.example", "_dmarc.x", "x--y_.example"):
            server.records[name] = {"A": ["192.0.2.3"]}
            assert (await resolver.a(name)).records == ("192.0.2.3",), name
        assert not (await resolver.a("Bücher.example")).records
        assert server.asked[-1] == "A xn--bcher-kva.example"

    run(check)
