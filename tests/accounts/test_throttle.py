"""Guessing is slow; the owner gets in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from pillarbox.accounts.throttle import Throttle
from pillarbox.config.auth import ThrottleSettings
from pillarbox.errors import Throttled
from support.fake_clock import FakeClock

ALICE = "alice@example.org"
HOME = "192.0.2.1"
SETTINGS = ThrottleSettings(
    free_failures=3,
    free_network_failures=6,
    free_account_failures=8,
    longest_pause_seconds=60,
    longest_wait_seconds=8,
    waiting_per_account=2,
    forget_seconds=900,
    table_entries=1000,
)


def run(test: Callable[[Throttle, FakeClock], Awaitable[None]]) -> None:
    clock = FakeClock()
    asyncio.run(test(Throttle(clock, SETTINGS), clock))  # type: ignore[arg-type]


def guess(throttle: Throttle, peer: str, times: int, login: str = ALICE) -> None:
    for number in range(times):
        throttle.failed(login, peer, b"%d" % number)


async def is_heard(throttle: Throttle, peer: str, login: str = ALICE) -> bool:
    try:
        await asyncio.wait_for(throttle.before(login, peer), 0.01)
    except (Throttled, TimeoutError):
        return False
    return True


def test_a_remembered_wrong_password_counts_once() -> None:
    """`remembered_passwords` of them; the one before is new again."""
    settings = msgspec.structs.replace(SETTINGS, remembered_passwords=2)

    async def test(throttle: Throttle, clock: FakeClock) -> None:
        for _ in range(100):
            throttle.failed(ALICE, HOME, b"old")
            throttle.failed(ALICE, HOME, b"older")
        assert await is_heard(throttle, HOME)
        throttle.failed(ALICE, HOME, b"third")
        assert not throttle.is_known_wrong(ALICE, HOME, b"old")
        throttle.failed(ALICE, HOME, b"old")
        assert not await is_heard(throttle, HOME)

    clock = FakeClock()
    asyncio.run(test(Throttle(clock, settings), clock))  # type: ignore[arg-type]


def test_pauses_double_up_to_the_longest() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        guess(throttle, HOME, 3)
        assert await is_heard(throttle, HOME)
        pauses = []
        for number in range(8):
            throttle.failed(ALICE, HOME, b"more%d" % number)
            waited = 0
            while not await is_heard(throttle, HOME):
                await clock.advance(1)
                waited += 1
            pauses.append(waited)
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]

    run(test)


def test_guesses_an_hour_are_few() -> None:
    """From one network: the free ones, then some sixty an hour."""

    async def test(throttle: Throttle, clock: FakeClock) -> None:
        guesses = 0
        for second in range(3600):
            if await is_heard(throttle, HOME):
                throttle.failed(ALICE, HOME, b"guess %d" % second)
                guesses += 1
            await clock.advance(1)
        assert 50 < guesses < 80

    run(test)


def test_a_stale_password_harms_nobody() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        for _ in range(100):
            throttle.failed(ALICE, HOME, b"last year's password")
        assert await is_heard(throttle, HOME)
        assert throttle.is_known_wrong(ALICE, HOME, b"last year's password")
        assert not throttle.is_known_wrong(ALICE, HOME, b"this year's password")

    run(test)


def test_success_forgives() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        guess(throttle, HOME, 5)
        assert not await is_heard(throttle, HOME)
        throttle.succeeded(ALICE, HOME)
        assert await is_heard(throttle, HOME)

    run(test)


def test_one_network_guessing_many_names() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        throttle.succeeded("bob@example.org", HOME)
        for number in range(7):
            throttle.failed(f"user{number}@example.org", HOME, b"password1")
        assert not await is_heard(throttle, HOME, "new@example.org")
        assert await is_heard(throttle, HOME, "bob@example.org")  # known here
        assert await is_heard(throttle, "192.0.2.2", "new@example.org")

    run(test)


def test_ipv6_counts_by_64() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        for number in range(7):
            throttle.failed(f"u{number}@example.org", f"2001:db8:1:2::{number:x}", b"x")
        assert not await is_heard(throttle, "2001:db8:1:2:ffff::1", "new@example.org")
        assert await is_heard(throttle, "2001:db8:1:3::1", "new@example.org")

    run(test)


def test_a_botnet_is_slowed_and_the_owner_is_not() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        throttle.succeeded(ALICE, HOME)
        for number in range(200):
            throttle.failed(ALICE, f"198.51.{number}.1", b"guess")
        assert await is_heard(throttle, HOME)
        # From a network where she never was: held back for some seconds, then heard.
        waiting = asyncio.create_task(throttle.before(ALICE, "203.0.113.9"))
        await asyncio.sleep(0)
        assert clock.sleeping == [SETTINGS.longest_wait_seconds]
        await clock.advance(SETTINGS.longest_wait_seconds)
        await waiting

    run(test)


def test_few_wait_at_once() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        for number in range(200):
            throttle.failed(ALICE, f"198.51.{number}.1", b"guess")
        tasks = [
            asyncio.create_task(throttle.before(ALICE, f"203.0.113.{number}"))
            for number in range(10)
        ]
        await asyncio.sleep(0)
        assert len(clock.sleeping) == SETTINGS.waiting_per_account
        await clock.advance(SETTINGS.longest_wait_seconds)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results].count(Throttled) == 8
        tasks = [asyncio.create_task(throttle.before(ALICE, "203.0.113.1"))]
        await asyncio.sleep(0)
        tasks[0].cancel()  # a client that goes away gives its place back
        await asyncio.gather(*tasks, return_exceptions=True)
        assert throttle._held_back == {}

    run(test)


def test_all_is_forgotten() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        guess(throttle, HOME, 20)
        for number in range(50):
            throttle.failed(ALICE, f"198.51.{number}.1", b"guess")
        await clock.advance(SETTINGS.forget_seconds + 61)
        assert await is_heard(throttle, HOME)
        guess(throttle, HOME, 3)
        assert await is_heard(throttle, HOME)

    run(test)


def test_tables_are_bounded() -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        for number in range(5000):
            peer = f"10.{number >> 8}.{number & 255}.1"
            throttle.failed(f"user{number}@example.org", peer, b"x")
            throttle.succeeded(f"other{number}@example.org", peer)
        for table in (throttle._pairs, throttle._networks, throttle._accounts, throttle._known):
            assert len(table) <= SETTINGS.table_entries

    run(test)


@pytest.mark.parametrize("peer", ["local", "127.0.0.1", "::1"])
def test_our_own_proxies_do_not_slow_each_other(peer: str) -> None:
    async def test(throttle: Throttle, clock: FakeClock) -> None:
        for number in range(50):
            throttle.failed(f"u{number}@example.org", peer, b"x")
        assert await is_heard(throttle, peer, ALICE)

    run(test)
