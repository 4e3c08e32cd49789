"""Columns tell what rows tell: the same messages, fields and order, however they are cut."""

from __future__ import annotations

import random

import pytest

from pillarbox.ids import ModSeq, Uid
from pillarbox.store import Reader
from pillarbox.store.database import Row
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import changes, messages, placed_columns
from support.store_box import Box

COUNT = 60


async def _rows(box: Box, modseq: ModSeq, low: int, high: int) -> list[Row]:
    async def ask(db: Reader) -> list[Row]:
        pieces = changes.placed_as_of(db, box.alice.id, box.inbox.id, modseq, low=low, high=high)
        return [row async for rows in pieces for row in rows]

    return await box.store.read(ask)


async def _columns(box: Box, modseq: ModSeq, low: int, high: int) -> tuple[list[Row], list[int]]:
    """As rows, and how many came at a time."""

    async def ask(db: Reader) -> tuple[list[Row], list[int]]:
        found: list[Row] = []
        counts: list[int] = []
        async for some in placed_columns.columns_as_of(
            db, box.alice.id, box.inbox.id, modseq, low=low, high=high
        ):
            words = [some.keywords.get(uid, "") for uid in some.uids]
            found += zip(
                *(some.uids, some.messages, some.flags, words, some.modseqs, some.sizes),
                some.saved,
                strict=True,
            )
            counts.append(len(some.uids))
        return found, counts

    return await box.store.read(ask)


async def _fill(box: Box, seed: int) -> None:
    chance = random.Random(seed)
    await box.fill(COUNT)
    for words in ("$Forwarded", "Blue $Junk", ""):
        uids = [Uid(uid) for uid in sorted(chance.sample(range(1, COUNT + 1), 9))]
        await box.store.write(
            lambda tx, uids=uids, words=words: messages.store_flags(  # type: ignore[misc]
                tx, box.alice.id, box.inbox.id, uids, FlagChange.ADD, int(Flag.FLAGGED), words
            )
        )


@pytest.mark.parametrize("at_once", [1, 7, COUNT, 20_000])
async def test_columns_and_rows_are_the_same(
    box: Box, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(placed_columns, "_AT_ONCE", at_once)
    await _fill(box, seed=at_once)
    now = (await box.account()).modseq
    for low, high in ((1, COUNT + 1), (10, 31), (COUNT + 1, COUNT + 9)):
        found, counts = await _columns(box, now, low, high)
        assert found == await _rows(box, now, low, high)
        assert len(found) == max(min(high, COUNT + 1) - low, 0)
        assert all(count <= at_once for count in counts)
    assert any(row[3] for row in await _rows(box, now, 1, COUNT + 1)), "some have keywords"


async def test_what_went_and_changed_since_is_told_as_of_then(box: Box) -> None:
    await _fill(box, seed=3)
    then = (await box.account()).modseq
    await box.flag([Uid(4), Uid(5), Uid(6)], FlagChange.ADD, int(Flag.DELETED))
    await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id))
    await box.flag([Uid(7)], FlagChange.ADD, int(Flag.SEEN))
    found, _ = await _columns(box, then, 1, COUNT + 1)
    assert found == await _rows(box, then, 1, COUNT + 1)
    assert [row[0] for row in found] == list(range(1, COUNT + 1))
    assert {row[4] for row in found} <= set(range(1, then + 1)), "no number that was not told yet"
