"""Whom the resolver asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.config.dns import DnsSettings
from pillarbox.dns.errors import DnsFailure
from pillarbox.dns.servers import (
    Health,
    ResolverList,
    Server,
    load_servers,
    parse_resolv_conf,
    parse_server,
)
from pillarbox.dns.stub import StubResolver
from support.fake_clock import FakeClock
from support.name_server import NameServer


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse_server(text) == Server(host, port)


@pytest.mark.parametrize(
    ("text", "servers", "trust_ad"),
    [
        ("", ["127.0.0.1"], False),
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1", "2001:db8::1"], False),
        ("# nameserver 192.0.2.9\nnameserver\t192.0.2.1  # x", ["192.0.2.1"], False),
        ("nameserver of example\nnameserver\noptions\n", ["127.0.0.1"], False),
        ("options edns0 trust-ad\nnameserver 127.0.0.53\n", ["127.0.0.53"], True),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(20)), None, False),
    ],
)
def test_resolv_conf(text: str, servers: list[str] | None, trust_ad: bool) -> None:
    found = parse_resolv_conf(text)
    assert found.trust_ad == trust_ad
    if servers is None:
        assert len(found.servers) == 8
    else:
        assert [server.host for server in found.servers] == servers


def test_the_configuration_comes_before_the_system(tmp_path: Path) -> None:
    system = tmp_path / "resolv.conf"
    system.write_text("nameserver 192.0.2.1\noptions trust-ad\n")
    own = DnsSettings(servers=("192.0.2.7",))
    assert load_servers(own, system) == ResolverList((Server("192.0.2.7"),), False)
    assert load_servers(DnsSettings(), system) == ResolverList((Server("192.0.2.1"),), True)
    assert load_servers(DnsSettings(trust_ad=True), tmp_path / "none").trust_ad


def test_the_dead_come_last_until_their_time() -> None:
    one, two = Server("192.0.2.1"), Server("192.0.2.2")
    health = Health(30.0)
    health.silent(one, 0.0)
    assert health.order((one, two), 0.0) == [one, two], "once is chance"
    health.silent(one, 1.0)
    assert health.order((one, two), 30.9) == [two, one]
    assert health.order((one, two), 31.0) == [one, two]
    health.silent(one, 31.0)
    health.answered(one)
    assert health.order((one, two), 31.0) == [one, two]


@pytest.mark.timed
def test_resolv_conf_is_read_again_when_nobody_answers(tmp_path: Path) -> None:
    async def check() -> None:
        system = tmp_path / "resolv.conf"
        system.write_text("nameserver 192.0.2.1\n")
        settings = DnsSettings(try_seconds=0.1, tries=1, failure_ttl=0)
        resolver = StubResolver(settings, FakeClock(), resolv_conf=system)
        with pytest.raises(DnsFailure):
            await resolver.a("example.org")
        async with NameServer({"example.org": {"A": ["192.0.2.5"]}}, host="127.0.0.9") as server:
            system.write_text("nameserver 127.0.0.9\n")
            with pytest.raises(DnsFailure):  # port 53 is not where the test's server listens
                await resolver.a("example.org")
            assert resolver._servers().servers == (Server("127.0.0.9"),)
            assert server.asked == []

    asyncio.run(check())
