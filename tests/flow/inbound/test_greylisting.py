"""Greylisting: strangers, those who come again, and forgetting (RFC 6647)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pillarbox.config.store import StoreSettings
from pillarbox.config.trust import GreylistSettings, TrustSettings
from pillarbox.errors import Unavailable
from pillarbox.flow.inbound.greylisting import Greylist
from pillarbox.store import Store
from pillarbox.store.open import open_store
from pillarbox.store.sql import greylist as rows
from support.fake_clock import FakeClock
from support.fake_resolver import FakeResolver
from support.judging import bring, make_judge, with_judge
from support.smtp_bench import open_bench

DAY = 86_400
LETTER = b"From: carol@example.net\r\n\r\nA few words.\r\n"


def run(
    folder: Path, work: Callable[[Greylist, FakeClock, Store], Awaitable[None]], **more: Any
) -> None:
    async def whole() -> None:
        clock = FakeClock(datetime(2026, 11, 23, tzinfo=UTC))
        store = await open_store(StoreSettings(data_dir=str(folder)), clock)
        try:
            await work(Greylist(store, GreylistSettings(enabled=True, **more), clock), clock, store)
        finally:
            await store.close()

    asyncio.run(whole())


async def delayed(
    greylist: Greylist, ip: str = "192.0.2.3", sender: str = "carol@example.net"
) -> bool:
    return await greylist.check(ip, sender, "alice@example.org") is not None


def test_who_comes_again_in_time_is_known(tmp_path: Path) -> None:
    async def work(greylist: Greylist, clock: FakeClock, store: Store) -> None:
        assert await delayed(greylist)
        await clock.advance(299)
        assert await delayed(greylist)
        await clock.advance(2)
        assert not await delayed(greylist)
        assert not await delayed(greylist)
        await clock.advance(35 * DAY)
        assert not await delayed(greylist)
        await clock.advance(35 * DAY)  # counted from the last mail, not from the first
        assert not await delayed(greylist)
        await clock.advance(37 * DAY)
        assert await delayed(greylist)

    run(tmp_path, work)


def test_who_comes_too_late_begins_anew(tmp_path: Path) -> None:
    async def work(greylist: Greylist, clock: FakeClock, store: Store) -> None:
        assert await delayed(greylist)
        await clock.advance(2 * DAY + 1)
        assert await delayed(greylist)
        await clock.advance(301)
        assert not await delayed(greylist)

    run(tmp_path, work)


def test_what_counts_as_the_same(tmp_path: Path) -> None:
    async def work(greylist: Greylist, clock: FakeClock, store: Store) -> None:
        assert await delayed(greylist)
        assert await delayed(greylist, "2001:db8::1")
        await clock.advance(301)
        assert not await delayed(greylist, "192.0.2.77", "Carol@Example.NET")
        assert not await delayed(greylist, "2001:db8::2")
        assert await delayed(greylist, "198.51.100.3")
        assert await delayed(greylist, "192.0.2.3", "dave@example.net")
        assert await delayed(greylist, "192.0.2.3", "")

    run(tmp_path, work)


def test_what_is_known_costs_no_write(tmp_path: Path) -> None:
    async def work(greylist: Greylist, clock: FakeClock, store: Store) -> None:
        await delayed(greylist)
        await clock.advance(301)
        assert not await delayed(greylist)

        async def failing(*_: Any, **__: Any) -> None:
            raise Unavailable

        store.write = failing  # type: ignore[method-assign, assignment]
        assert not await delayed(greylist)
        assert not await delayed(greylist, sender="new@example.net")  # the store fails: let in

    run(tmp_path, work)


def test_a_flood_of_strangers_is_let_in(tmp_path: Path) -> None:
    async def work(greylist: Greylist, clock: FakeClock, store: Store) -> None:
        found = [await delayed(greylist, sender=f"{n}@example.net") for n in range(1005)]
        assert found == [True] * 1000 + [False] * 5
        assert await store.read(rows.count) == 1000
        await clock.advance(2 * DAY + 1)
        await greylist.maintain()
        assert await store.read(rows.count) == 0
        assert await delayed(greylist, sender="x@example.net")

    run(tmp_path, work, max_rows=1000)


def test_only_those_whose_time_is_over_are_forgotten(tmp_path: Path) -> None:
    async def work(greylist: Greylist, clock: FakeClock, store: Store) -> None:
        await delayed(greylist)
        await clock.advance(301)
        await delayed(greylist)
        await delayed(greylist, sender="once@example.net")
        await clock.advance(3 * DAY)
        await delayed(greylist, sender="new@example.net")
        await greylist.maintain()
        assert await store.read(rows.count) == 2
        await clock.advance(40 * DAY)
        await greylist.maintain()
        assert await store.read(rows.count) == 0

    run(tmp_path, work)


def test_at_the_door(tmp_path: Path) -> None:
    """A known recipient is asked for, an unknown one is refused for good, VRFY is not delayed."""

    async def whole() -> None:
        async with open_bench(tmp_path) as bench:
            clock = FakeClock()
            settings = TrustSettings(greylist=GreylistSettings(enabled=True))
            with_judge(bench, make_judge(bench, FakeResolver(), settings, clock))
            assert (await bring(bench, LETTER)).startswith("451 4.7.1 ")
            assert (await bring(bench, LETTER, to="no@example.org")).startswith("550 5.1.1 ")
            assert (await bring(bench, LETTER, peer="127.0.0.1")).startswith("250 ")

    asyncio.run(whole())
