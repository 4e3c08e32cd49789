"""The history of sign-ins: written beside the doors' work, few rows, for its owner only."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.accounts.history import Attempt, History
from pillarbox.config.browser import BrowserSettings
from pillarbox.store.sql import accounts
from support.store_box import Box


def attempt(box: Box, **more: str) -> Attempt:
    given = {"door": "imap", "peer": "192.0.2.1", "agent": "", "outcome": "ok"}
    return Attempt(box.alice.id, **{**given, "credential": "password", **more})  # type: ignore[arg-type]


async def count(box: Box) -> int:
    rows = await box.store.read(lambda db: db.rows("SELECT count(*) FROM sign_in"))
    return int(rows[0][0])


@pytest.mark.timed
async def test_new_ones_come_soon_and_repeated_ones_seldom(box: Box) -> None:
    history = History(box.store, box.clock, BrowserSettings())
    history.note(attempt(box))
    await asyncio.sleep(0)
    assert await count(box) == 0  # the door did not wait for it
    await box.clock.advance(3)
    await settled()
    assert await count(box) == 1
    for _ in range(100):
        history.note(attempt(box))
    await asyncio.sleep(0)
    await box.clock.advance(10)
    await settled()
    assert (await stored(box))[0] == 1
    await box.clock.advance(300)
    await settled()
    assert await stored(box) == [101]
    await history.close()


async def settled() -> None:
    """Let the store's thread write."""
    for _ in range(20):
        await asyncio.sleep(0.01)


async def stored(box: Box) -> list[int]:
    rows = await box.store.read(lambda db: db.rows("SELECT times FROM sign_in"))
    return [times for (times,) in rows]


async def test_equal_ones_of_an_hour_are_one_row(box: Box) -> None:
    history = History(box.store, box.clock, BrowserSettings())
    for _ in range(3):
        history.note(attempt(box))
        history.note(attempt(box, peer="192.0.2.2"))
        history.note(attempt(box, outcome="failed", credential=""))
    found = await history.recent(box.alice.id, 10)
    assert sorted(row.times for row in found) == [3, 3, 3]
    await box.clock.advance(3600)
    history.note(attempt(box))
    found = await history.recent(box.alice.id, 10)
    assert len(found) == 4 and found[0].times == 1  # the newest first
    bob = await box.new_account("bob@example.org")
    assert await history.recent(bob.id, 10) == []


async def test_guesses_push_out_guesses_only(box: Box) -> None:
    history = History(box.store, box.clock, BrowserSettings(history_rows=20))
    history.note(attempt(box))
    for number in range(100):
        history.note(attempt(box, outcome="failed", credential="", peer=f"203.0.113.{number}"))
    found = await history.recent(box.alice.id, 200)
    assert sum(row.outcome == "ok" for row in found) == 1
    assert sum(row.outcome == "failed" for row in found) == 20


async def test_it_goes_by_age_and_by_number(box: Box) -> None:
    history = History(box.store, box.clock, BrowserSettings(history_rows=10))
    for number in range(15):  # too few at once to be trimmed at once
        history.note(attempt(box, peer=f"203.0.113.{number}"))
        await history.flush()
    assert await count(box) == 15
    await history.forget()
    assert await count(box) == 10
    await box.clock.advance(91 * 86_400)
    await history.forget()
    assert await count(box) == 0


async def test_memory_is_bounded(box: Box) -> None:
    history = History(box.store, box.clock, BrowserSettings(history_rows=100_000))
    for number in range(5000):
        history.note(attempt(box, peer=f"host{number}"))
    await history.flush()
    assert await count(box) == 2000


async def test_an_account_that_is_gone_and_a_store_that_is_shut(box: Box) -> None:
    history = History(box.store, box.clock, BrowserSettings())
    history.note(attempt(box))
    await box.store.write(lambda tx: accounts.remove(tx, box.alice.id))
    await history.flush()
    assert await count(box) == 0
    history.note(attempt(box))
    await box.store.close()
    await history.close()  # no error
    await box.open()
