"""Connection limits."""

from __future__ import annotations

import pytest

from pillarbox.net.limits import ConnectionLimiter, network_of


def test_per_address_and_total() -> None:
    limiter = ConnectionLimiter(5, 2)
    first = limiter.admit("192.0.2.1")
    assert first is not None
    assert limiter.admit("192.0.2.1")
    assert limiter.admit("192.0.2.1") is None
    assert limiter.admit("192.0.2.2")
    assert limiter.admit("192.0.2.3")
    assert limiter.admit("192.0.2.4")
    assert limiter.admit("192.0.2.5") is None
    first.release()
    first.release()
    assert limiter.total == 4
    assert limiter.admit("192.0.2.1")


def test_ipv6_counts_by_64() -> None:
    limiter = ConnectionLimiter(100, 2)
    assert limiter.admit("2001:db8::1")
    assert limiter.admit("2001:db8::2")
    assert limiter.admit("2001:db8::3") is None
    assert limiter.admit("2001:db8:0:1::1")


def test_local_and_trusted_peers_count_in_the_total_only() -> None:
    limiter = ConnectionLimiter(4, 1, frozenset({"192.0.2.9"}))
    assert all([limiter.admit("local"), limiter.admit("local"), limiter.admit("192.0.2.9")])
    assert limiter.admit("192.0.2.9")
    assert limiter.admit("192.0.2.9") is None


def test_nothing_is_kept_of_those_who_left() -> None:
    limiter = ConnectionLimiter(10_000, 10)
    for number in range(5000):
        lease = limiter.admit(f"10.0.{number >> 8}.{number & 255}")
        assert lease is not None
        lease.release()
    assert limiter._by_network == {}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("local", "local"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network
