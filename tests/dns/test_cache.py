"""The cache is bounded in number and in octets, and forgets what was not used."""

from __future__ import annotations

from typing import Any

from pillarbox.dns.answer import Tlsa
from pillarbox.dns.cache import Cache, Cached


def kept(*records: Any, until: float = 100.0) -> Cached:
    return Cached(records, True, False, until)


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(2, 10**6)
    cache.keep(("a", "A"), kept("1"))
    cache.keep(("b", "A"), kept("2"))
    assert cache.find(("a", "A"), 0.0)
    cache.keep(("c", "A"), kept("3"))
    assert cache.find(("b", "A"), 0.0) is None
    assert cache.find(("a", "A"), 0.0) == kept("1")
    assert len(cache) == 2


def test_octets_are_bounded() -> None:
    cache = Cache(10_000, 100_000)
    for number in range(100):
        cache.keep((f"{number}.example", "TXT"), kept(b"x" * 20_000))
        assert cache.octets <= 100_000
    assert len(cache) == 4
    cache.keep(("huge.example", "TXT"), kept(b"x" * 200_000))
    assert (len(cache), cache.octets) == (0, 0)


def test_what_is_replaced_or_over_is_not_counted() -> None:
    cache = Cache(10, 10**6)
    for size in (10_000, 10, 5_000):
        cache.keep(("a", "TLSA"), kept(Tlsa(3, 1, 0, b"x" * size)))
    assert 5_000 < cache.octets < 6_000
    assert cache.find(("a", "TLSA"), 100.0) is None
    assert (len(cache), cache.octets) == (0, 0)


def test_nothing_is_kept_without_room() -> None:
    cache = Cache(0, 10**6)
    cache.keep(("a", "A"), kept("1"))
    assert len(cache) == 0
