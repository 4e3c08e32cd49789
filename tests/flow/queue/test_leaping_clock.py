"""Somebody sets the date while mail waits: nothing is lost or sent twice, new mail goes at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from pillarbox.config.queue import QueueSettings
from pillarbox.flow.outbound.outcome import Kind, Outcome
from pillarbox.flow.queue.reporter import Reporter
from pillarbox.store.model import LeasedMessage, LeasedRecipient
from pillarbox.store.model import RecipientState as State
from pillarbox.store.sql.queue_steer import Filter, Steer, find_keys, steer
from support.fake_clock import FakeClock
from support.queue_bench import FakeBouncer, FakeSender, message, outcome, put, rows, until, worker
from support.store_box import Box

DAY = timedelta(days=1)


class WallClock(FakeClock):
    """Its date can be set; what it measures goes on."""

    leap = timedelta()

    def now(self) -> datetime:
        return super().now() + self.leap


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def box(tmp_path, clock: WallClock) -> Box:  # type: ignore[no-untyped-def]
    """Its store and its worker share the clock."""
    return Box(tmp_path, clock=clock)


class Busy(FakeSender):
    """Puts everybody off until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.busy = True

    async def _answer(self, _message: LeasedMessage, recipient: LeasedRecipient) -> Outcome:
        if self.busy:
            return outcome(recipient, Kind.LATER, "450 4.2.1 later")
        return outcome(recipient)


async def state_of(box: Box, address: str) -> State:
    (found,) = [one for one in await rows(box.store) if one.forward_path == address]
    return found.state


@pytest.mark.timed
@pytest.mark.parametrize("leap", [DAY, -DAY, timedelta(hours=1), -10 * 365 * DAY])
async def test_mail_that_waits(box: Box, clock: WallClock, leap: timedelta) -> None:
    sender, bouncer = Busy(), FakeBouncer()
    reporter = Reporter(box.store, bouncer, QueueSettings(), clock)
    loop = worker(box.store, clock, sender, reporter=reporter)
    loop.start()
    reporter.start()
    await put(box.store, message("old@x.example"))
    await until(lambda: bool(sender.sends))
    await asyncio.sleep(0.05)
    clock.leap, sender.busy = leap, False
    await put(box.store, message("new@y.example"))

    async def is_relayed() -> bool:
        return await state_of(box, "new@y.example") is State.RELAYED

    await until(is_relayed)
    if leap < timedelta():  # its time is far off now, and an administrator may hurry it
        assert await state_of(box, "old@x.example") is State.WAITING
        keys = await box.store.read(lambda db: find_keys(db, Filter(), 10))
        await box.store.write(lambda tx: steer(tx, keys, Steer.RETRY))
    for _ in range(40):
        await clock.advance(30)
        await asyncio.sleep(0.01)
        if await state_of(box, "old@x.example") is not State.WAITING:
            break
    assert await state_of(box, "old@x.example") is State.RELAYED
    assert set(sender.accepted.values()) == {1}
    await loop.drain(1)
    await reporter.stop()


@pytest.mark.timed
async def test_a_leap_beyond_the_end_is_told(box: Box, clock: WallClock) -> None:
    """A wrong date may end mail's time; its sender hears of it, as of any mail given up."""
    sender, bouncer = Busy(), FakeBouncer()
    reporter = Reporter(box.store, bouncer, QueueSettings(), clock)
    loop = worker(box.store, clock, sender, reporter=reporter)
    loop.start()
    reporter.start()
    await put(box.store, message("old@x.example"))
    await until(lambda: bool(sender.sends))
    await asyncio.sleep(0.05)
    clock.leap = 3650 * DAY
    for _ in range(200):
        await clock.advance(30)
        await asyncio.sleep(0.01)
        if bouncer.told:
            break
    assert {address for _, told in bouncer.told for address, _ in told} == {"old@x.example"}
    await loop.drain(1)
    await reporter.stop()
