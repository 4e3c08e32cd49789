"""A subscription by itself, with a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.ids import ModSeq
from pillarbox.jmap.approval_news import ApprovalNews
from pillarbox.jmap.http.events import _events, _News
from pillarbox.jmap.push import PAUSE_SECONDS, Watch, Watches, push_types
from pillarbox.store.sql import accounts
from support.jmap_bench import JmapBox

pytestmark = pytest.mark.timed

Test = Callable[[JmapBox, Watch], Awaitable[None]]


def run(
    folder: Path, test: Test, types: frozenset[str] = frozenset(), known: int | None = None
) -> None:
    async def main() -> None:
        async with JmapBox(folder) as box:
            state = None if known is None else ModSeq(known)
            watch = Watch(box.store, box.alice.id, types or push_types(), state)
            await watch.begin()
            try:
                await test(box, watch)
            finally:
                watch.close()

    asyncio.run(main())


def test_many_changes_are_told_once_and_the_first_at_once(tmp_path: Path) -> None:
    async def test(box: JmapBox, watch: Watch) -> None:
        await box.append()
        first = await watch.next(1)
        assert first is not None
        for _ in range(3):
            await box.append()
        second = asyncio.create_task(watch.next(1))
        await asyncio.sleep(0.05)
        assert not second.done()
        assert PAUSE_SECONDS in box.clock.sleeping
        await box.append()
        await box.clock.advance(PAUSE_SECONDS)
        told = await second
        assert told is not None
        state = str(int(first[0]) + 4)
        assert told[1]["changed"][f"A{box.alice.id}"]["Email"] == state
        assert told[1]["changed"][f"A{box.alice.id}"]["EmailDelivery"] == "5"
        await box.clock.advance(1)
        assert await watch.next(0.05) is None

    run(tmp_path, test)


def test_a_state_that_the_client_knows_is_no_news(tmp_path: Path) -> None:
    async def missed(_box: JmapBox, watch: Watch) -> None:
        assert await watch.next(1) is not None
        assert await watch.next(0.05) is None

    run(tmp_path / "a", missed, known=1)

    async def known(box: JmapBox, watch: Watch) -> None:
        modseq = (await box.account()).modseq
        again = Watch(box.store, box.alice.id, push_types(), modseq)
        await again.begin()
        assert await again.next(0.05) is None
        again.close()

    run(tmp_path / "b", known)


def test_types_that_did_not_change_wake_nobody(tmp_path: Path) -> None:
    async def test(box: JmapBox, watch: Watch) -> None:
        await box.create("New")
        assert await watch.next(0.05) is None
        await box.append()
        told = await watch.next(1)
        assert told is not None
        assert told[1]["changed"][f"A{box.alice.id}"] == {"EmailDelivery": "1"}

    run(tmp_path, test, frozenset({"EmailDelivery"}))


def test_a_removed_account_is_the_end(tmp_path: Path) -> None:
    async def test(box: JmapBox, watch: Watch) -> None:
        await box.store.write(lambda tx: accounts.remove(tx, box.alice.id))
        assert await watch.next(1) is None
        assert watch.closed

    run(tmp_path, test)


def test_a_stream_ends_after_its_time(tmp_path: Path) -> None:
    """Which is `jmap.event_stream_seconds`; a client comes again with what it heard last."""

    async def test(box: JmapBox, watch: Watch) -> None:
        news = _News(ApprovalNews(box.store, box.context().identity), None)
        events = _events(watch, news, SystemClock(), 0.2, 0, once=False)
        async with asyncio.timeout(30):
            assert [one async for one in events] == [b": \n\n"]

    run(tmp_path, test)


def test_all_are_ended_together(tmp_path: Path) -> None:
    async def test(box: JmapBox, watch: Watch) -> None:
        watches = Watches()
        watches.add(watch, box.context().identity)
        waiting = asyncio.create_task(watch.next(10))
        await asyncio.sleep(0)
        watches.end()
        assert await waiting is None
        late = Watch(box.store, box.alice.id, push_types())
        watches.add(late, box.context().identity)
        assert late.closed
        assert box.store.feed.watched() == []

    run(tmp_path, test)
