"""Servers that fail, are silent, or send nonsense."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Any

import pytest

from pillarbox.config.dns import DnsSettings
from pillarbox.dns.errors import DnsFailure
from pillarbox.dns.stub import StubResolver
from pillarbox.errors import ConfigurationError
from support.fake_clock import FakeClock
from support.name_server import Failure, NameServer

RECORDS = {"example.org": {"A": ["192.0.2.1"]}, "alias.example": {"CNAME": "example.org"}}
QUICK: dict[str, Any] = {"try_seconds": 0.2, "tries": 2, "total_seconds": 2.0}
ASKED = "A example.org"


def resolver_of(*servers: NameServer, clock: FakeClock | None = None, **more: Any) -> StubResolver:
    settings = DnsSettings(servers=tuple(s.address for s in servers), **{**QUICK, **more})
    return StubResolver(settings, clock or FakeClock())


@pytest.mark.parametrize(
    ("failure", "why", "times"),
    [
        ("timeout", "timeout", 2),
        ("servfail", "servfail", 1),
        ("refused", "refused", 1),
        ("malformed", "malformed", 2),
    ],
)
def test_failures_have_their_names(failure: Failure, why: str, times: int) -> None:
    async def check() -> None:
        async with NameServer(RECORDS, fail={ASKED: failure}) as server:
            resolver = resolver_of(server)
            with pytest.raises(DnsFailure) as caught:
                await resolver.a("example.org")
            assert (caught.value.why, caught.value.rdtype) == (why, "A")
            assert server.asked == [ASKED] * times
            assert (await resolver.aaaa("example.org")).exists, "only that question fails"

    asyncio.run(check())


def test_a_failure_is_remembered_a_little_while() -> None:
    async def check() -> None:
        clock = FakeClock()
        async with NameServer(RECORDS, fail={ASKED: "servfail"}) as server:
            resolver = resolver_of(server, clock=clock)
            for _ in range(3):
                with pytest.raises(DnsFailure):
                    await resolver.a("example.org")
            assert server.asked == [ASKED]
            server.fail.clear()
            await clock.advance(10)
            assert (await resolver.a("example.org")).records

    asyncio.run(check())


def test_an_alias_of_a_name_that_fails_fails() -> None:
    async def check() -> None:
        async with NameServer(RECORDS, fail={ASKED: "servfail"}) as server:
            server.follow = False
            with pytest.raises(DnsFailure) as caught:
                await resolver_of(server).a("alias.example")
            assert caught.value.name == "alias.example"

    asyncio.run(check())


@pytest.mark.parametrize("failure", ["timeout", "servfail", "refused", "malformed"])
def test_the_next_server_is_asked(failure: Failure) -> None:
    async def check() -> None:
        first, second = NameServer(RECORDS, fail={"example.org": failure}), NameServer(RECORDS)
        async with first, second:
            assert (await resolver_of(first, second).a("example.org")).records
            assert (first.asked, second.asked) == ([ASKED], [ASKED])

    asyncio.run(check())


def test_a_server_that_is_silent_twice_is_asked_last() -> None:
    async def check() -> None:
        clock = FakeClock()
        silent = {f"{n}.example": "timeout" for n in range(5)}
        first = NameServer(RECORDS, fail=silent)  # type: ignore[arg-type]
        second = NameServer(RECORDS)
        async with first, second:
            resolver = resolver_of(first, second, clock=clock)
            for number in range(4):
                await resolver.a(f"{number}.example")
            assert len(first.asked) == 2, "then it counted as dead"
            assert len(second.asked) == 4
            await clock.advance(31)
            await resolver.a("example.org")
            assert first.asked[-1] == ASKED, "it gets another chance"

    asyncio.run(check())


def test_the_dead_are_asked_when_all_are_dead() -> None:
    async def check() -> None:
        async with NameServer(RECORDS, fail={"x.example": "timeout"}) as server:
            resolver = resolver_of(server)
            with pytest.raises(DnsFailure):
                await resolver.a("x.example")
            assert (await resolver.a("example.org")).records

    asyncio.run(check())


@pytest.mark.timed
def test_nobody_listens() -> None:
    async def check() -> None:
        async with NameServer(RECORDS) as server:
            gone = server.address
        resolver = StubResolver(DnsSettings(servers=(gone,), **QUICK), FakeClock())
        started = time.monotonic()
        with pytest.raises(DnsFailure) as caught:
            await resolver.a("example.org")
        assert caught.value.why == "refused"
        assert time.monotonic() - started < 1

    asyncio.run(check())


@pytest.mark.timed
def test_all_of_a_question_has_a_bound() -> None:
    async def check() -> None:
        async with NameServer(RECORDS, fail={"example.org": "timeout"}) as server:
            resolver = resolver_of(server, try_seconds=5, total_seconds=0.2)
            with pytest.raises(DnsFailure, match="timeout"):
                await resolver.a("example.org")
            await resolver.close()

    asyncio.run(check())


def test_tcp_that_breaks_or_is_silent() -> None:
    async def check() -> None:
        for failure in ("hangup", "timeout"):
            async with NameServer(RECORDS) as server:
                server.truncate = True
                resolver = resolver_of(server)
                server.raw[ASKED] = b"\x83\x80" + b"\0" * 8  # TC, and then nothing
                with pytest.raises(DnsFailure):
                    await resolver.a("example.org")
                del server.raw[ASKED]
                server.fail["AAAA example.org"] = failure  # type: ignore[assignment]
                with pytest.raises(DnsFailure) as caught:
                    await resolver.aaaa("example.org")
                assert caught.value.why == "timeout"

    asyncio.run(check())


def test_noise_is_passed_over_and_much_of_it_leads_to_tcp() -> None:
    async def check() -> None:
        async with NameServer(RECORDS) as server:
            server.noise = 10
            assert (await resolver_of(server).a("example.org")).records
            assert server.asked_by_tcp == []
            server.noise = 20
            assert (await resolver_of(server).a("example.org")).records
            assert server.asked_by_tcp == [ASKED]

    asyncio.run(check())


def test_a_server_without_edns() -> None:
    async def check() -> None:
        async with NameServer(RECORDS) as server:
            server.edns = False
            assert (await resolver_of(server).a("example.org")).records == ("192.0.2.1",)
            assert server.asked == [ASKED] * 2

    asyncio.run(check())


HEAD = b"\x81\x80\0\1\0\1\0\0\0\0"
QUESTION = b"\7example\3org\0\0\1\0\1"
POINTER = b"\xc0\x0c"


def _record(rdtype: int, rdata: bytes, size: int | None = None, name: bytes = POINTER) -> bytes:
    size = len(rdata) if size is None else size
    return name + struct.pack("!HHIH", rdtype, 1, 60, size) + rdata


MALFORMED = {
    "nothing behind the id": b"\x81\x80",
    "a query": b"\x01\x00\0\1\0\0\0\0\0\0" + QUESTION,
    "counts without records": HEAD,
    "an address of three octets": HEAD + QUESTION + _record(1, b"\xc0\0\2"),
    "a length past the end": HEAD + QUESTION + _record(1, b"\xc0\0\2\1", 400),
    "a pointer to itself": HEAD + QUESTION + _record(5, b"\xc0\x29"),
    "a pointer past the end": HEAD + QUESTION + _record(5, b"\xff\xff"),
    "a label of a kind that is not": HEAD + QUESTION + _record(5, b"\x80abc\0"),
    "an alias to the root": HEAD + QUESTION + _record(5, b"\0"),
    "an alias with a dot in its label": HEAD + QUESTION + _record(5, b"\3a.b\0"),
    "octets behind the end": HEAD + QUESTION + _record(1, b"\xc0\0\2\1") + b"x",
    "an update": b"\xa9\x80\0\1\0\1\0\0\0\0" + QUESTION + _record(1, b"\xc0\0\2\1"),
    "two questions": b"\x81\x80\0\2\0\0\0\0\0\0" + QUESTION * 2,
    "65535 records": b"\x81\x80\0\1\xff\xff\0\0\0\0" + QUESTION,
    "records of a name that is not": b"\x81\x83" + HEAD[2:] + QUESTION + _record(1, b"\xc0\0\2\1"),
}


NO_ANSWER = {"nothing behind the id", "a query"}  # waited past, like all noise


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_answers(kind: str) -> None:
    async def check() -> None:
        async with NameServer(RECORDS) as server:
            server.raw[ASKED] = MALFORMED[kind]
            resolver = resolver_of(server, tries=1)
            with pytest.raises(DnsFailure) as caught:
                await resolver.a("example.org")
            assert caught.value.why == ("timeout" if kind in NO_ANSWER else "malformed")

    asyncio.run(check())


def test_records_of_other_names_are_not_believed() -> None:
    """An answer may bring more than was asked; it counts only what the chain leads to."""

    async def check() -> None:
        async with NameServer({"bank.example": {"A": ["192.0.2.9"]}, **RECORDS}) as server:
            planted = _record(1, b"\xc6\x33\x64\1", name=b"\4bank\7example\0")
            answer = QUESTION + _record(1, b"\xc0\0\2\1") + planted
            server.raw[ASKED] = b"\x81\x80\0\1\0\2\0\0\0\0" + answer
            resolver = resolver_of(server)
            assert (await resolver.a("example.org")).records == ("192.0.2.1",)
            assert (await resolver.a("bank.example")).records == ("192.0.2.9",)

    asyncio.run(check())


def test_an_answer_to_another_question_is_waited_past() -> None:
    async def check() -> None:
        async with NameServer(RECORDS) as server:
            server.raw[ASKED] = HEAD + b"\7another\3org\0\0\1\0\1" + _record(1, b"\xc0\0\2\1")
            with pytest.raises(DnsFailure, match="timeout"):
                await resolver_of(server).a("example.org")

    asyncio.run(check())


@pytest.mark.parametrize("text", ["resolver.example", "127.0.0.1:", "1.1.1.1:99999", "[::1]x", ""])
def test_servers_are_addresses(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dns\.servers"):
        StubResolver(DnsSettings(servers=(text,)), FakeClock())


@pytest.mark.timed
def test_a_resolver_that_falls_silent_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        async with NameServer(RECORDS, fail={"x.example": "timeout"}) as server:
            resolver = resolver_of(server, tries=4, try_seconds=0.1)
            with pytest.raises(DnsFailure):
                await resolver.a("x.example")

    asyncio.run(check())
    assert [record.getMessage() for record in caplog.records] == ["dns.server_silent"]
