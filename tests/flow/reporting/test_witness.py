"""Counting: bounded in memory, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.errors import Unavailable
from pillarbox.store.sql import reports
from pillarbox.telemetry.metrics import REGISTRY
from support.judging import bring
from support.reporting import DAY, Desk, open_desk

LETTER = b"From: Carol <carol@example.net>\r\n\r\nA few words.\r\n"


def run(folder: Path, work: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
    async def whole() -> None:
        async with open_desk(folder, **settings) as desk:
            await work(desk)

    asyncio.run(whole())


def lost() -> float:
    return REGISTRY.get_sample_value("pillarbox_report_messages_lost_total") or 0.0


async def rows(desk: Desk, day: int = DAY) -> list[int]:
    found = await desk.bench.store.read(
        lambda db: reports.rows_of(db, day, "example.net", limit=1000)
    )
    return sorted(count for _, count in found)


def test_equal_messages_are_one_row_across_writes(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        for _ in range(2):
            for _ in range(3):
                await bring(desk.bench, LETTER)
            await bring(desk.bench, LETTER, sender="x@forged.example")
            await desk.witness.flush()
        assert await rows(desk) == [2, 6]

    run(tmp_path, work)


def test_midnight_parts_the_days(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, LETTER)
        await desk.clock.advance(12 * 3600)
        await bring(desk.bench, LETTER)
        await desk.witness.flush()
        assert (await rows(desk), await rows(desk, DAY + 1)) == ([1], [1])

    run(tmp_path, work)


def test_memory_is_bounded_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        before = lost()
        for number in range(110):
            await bring(desk.bench, LETTER, sender=f"x@{number}.example", peer="198.51.100.9")
        await desk.witness.flush()
        assert len(await rows(desk)) == 100
        assert lost() == before + 10

    run(tmp_path, work, max_pending=100)


def test_a_store_that_fails_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, LETTER)
        before = lost()

        async def fail(*_: object, **__: object) -> None:
            raise Unavailable("The disk is full.")

        with monkeypatch.context() as patched:
            patched.setattr(desk.bench.store, "write", fail)
            await desk.witness.flush()
        assert lost() == before + 1
        await bring(desk.bench, LETTER)
        await desk.witness.flush()
        assert await rows(desk) == [1]

    run(tmp_path, work)
