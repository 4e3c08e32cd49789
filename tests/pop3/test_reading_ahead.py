"""The message after the one that was retrieved is read before the client asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.errors import Damaged, NoSuchMessage
from pillarbox.pop3.server.maildrop import Maildrop
from pillarbox.store.blobs.content import Blobs
from support.costs import counted
from support.pop3_bench import Pop3Bench, pop3_bench

BODY = b"line\r\n" * 2000


def on_bench(folder: Path, test: Callable[[Pop3Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        async with pop3_bench(folder) as bench:
            await test(bench)

    asyncio.run(run())


async def _maildrop(bench: Pop3Bench, count: int) -> Maildrop:
    for number in range(1, count + 1):
        await bench.deliver(b"Subject: %d\r\n\r\n" % number + BODY)
    return await Maildrop.open(bench.people.store, bench.people.alice.id)


async def _read(maildrop: Maildrop, number: int) -> bytes:
    content = await maildrop.content(number)
    return await content.read(0, content.size)


def test_each_message_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(bench: Pop3Bench) -> None:
        maildrop = await _maildrop(bench, 4)
        reads = 0
        read = Blobs.read

        async def counting(self: Blobs, *wanted: object) -> bytes:
            nonlocal reads
            reads += 1
            return await read(self, *wanted)  # type: ignore[arg-type]

        monkeypatch.setattr(Blobs, "read", counting)
        for number in range(1, 5):
            octets = await _read(maildrop, number)
            assert octets.endswith(b"Subject: %d\r\n\r\n" % number + BODY)
            before = reads
            await maildrop.read_ahead()
            assert reads == before + (number < 4)  # there is none behind the last
        assert reads == 4

    on_bench(tmp_path, test)


def test_only_who_goes_in_order_is_read_ahead_for(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        maildrop = await _maildrop(bench, 4)
        await _read(maildrop, 3)
        assert not maildrop.may_read_ahead
        await _read(maildrop, 4)
        assert not maildrop.may_read_ahead  # that was the last
        await _read(maildrop, 1)
        assert not maildrop.may_read_ahead
        assert b"Subject: 2" in await _read(maildrop, 2)
        assert maildrop.may_read_ahead
        maildrop.delete(3)
        await maildrop.read_ahead()
        with pytest.raises(NoSuchMessage):
            await maildrop.content(3)
        assert b"Subject: 4" in await _read(maildrop, 4)

    on_bench(tmp_path, test)


def test_no_more_than_one_is_held(tmp_path: Path) -> None:
    async def test(bench: Pop3Bench) -> None:
        maildrop = await _maildrop(bench, 4)
        await _read(maildrop, 1)
        await maildrop.read_ahead()
        await _read(maildrop, 3)  # not the one that was read
        assert [one for one in maildrop._contents.values() if one._held is not None] == []

    on_bench(tmp_path, test)


def test_damage_is_told_to_who_asks_for_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(bench: Pop3Bench) -> None:
        maildrop = await _maildrop(bench, 2)
        await _read(maildrop, 1)

        async def damaged(self: Blobs, *wanted: object) -> bytes:
            await asyncio.sleep(0)
            raise Damaged

        monkeypatch.setattr(Blobs, "read", damaged)
        await maildrop.read_ahead()
        with pytest.raises(Damaged):
            await _read(maildrop, 2)

    on_bench(tmp_path, test)


def test_one_look_at_the_store_serves_many(tmp_path: Path) -> None:
    async def run() -> None:
        with counted() as costs:
            async with pop3_bench(tmp_path) as bench:
                maildrop = await _maildrop(bench, 10)
                costs.reset()
                for number in range(1, 11):
                    await _read(maildrop, number)
                    await maildrop.read_ahead()
                expected = {"BEGIN": 1, "SELECT message": 1, "SELECT blob": 10, "COMMIT": 1}
                assert dict(costs.statements) == expected

    asyncio.run(run())
