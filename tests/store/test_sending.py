"""Counts of what accounts send, and names of forwarded senders: kept, found, forgotten."""

from __future__ import annotations

from pathlib import Path

from pillarbox.node.forgetting import forget_sending
from pillarbox.store.sql import forwarding, sending
from pillarbox.store.sql.sending import Sent
from support.fake_clock import FakeClock
from support.store_box import Box

DAY = 86_400.0


async def test_counts_begin_anew_each_day_but_friends_stay_friends(tmp_path: Path) -> None:
    clock = FakeClock()
    async with Box(tmp_path, clock=clock) as box:

        async def send(*to: str) -> Sent:
            return await box.store.write(lambda tx: sending.count(tx, box.alice.id, to))

        assert await send("a@example.net", "b@example.net") == Sent(1, 2)
        assert await send("a@example.net", "c@example.net") == Sent(2, 3)
        await clock.advance(DAY)
        assert await send("a@example.net", "d@example.net") == Sent(1, 1)
        now = int(clock.now().timestamp())
        today = await box.store.read(lambda db: sending.today(db, box.alice.id, now))
        assert today == Sent(1, 1)
        await clock.advance(9 * DAY)
        await forget_sending(box.store)
        past = await box.store.read(lambda db: sending.today(db, box.alice.id, now))
        assert past == Sent(0, 0)
        assert (await send("a@example.net")).new_recipients == 0


async def test_a_forwarded_sender_is_forgotten_when_it_was_not_used_for_a_month(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with Box(tmp_path, clock=clock) as box:

        async def token(address: str) -> str:
            return await box.store.write(lambda tx: forwarding.token_for(tx, address))

        async def find(one: str) -> str | None:
            return await box.store.read(lambda db: forwarding.find_address(db, one))

        old, used = await token("old@example.net"), await token("used@example.net")
        await clock.advance(20 * DAY)
        assert await token("used@example.net") == used
        await clock.advance(20 * DAY)
        await forget_sending(box.store)
        assert (await find(old), await find(used)) == (None, "used@example.net")
