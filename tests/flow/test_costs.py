"""What a delivery costs, counted: statements, syncs, and writes to the peer. Never times.

A number that grows is a decision, not a failure: raise it here with its reason.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from pillarbox.store.sql import accounts
from support.costs import Costs, counted
from support.smtp_bench import Bench, MemoryPeer, MemoryTransport, open_bench

LETTER = (
    b"From: Carol <carol@example.net>\r\nTo: alice@example.org\r\nSubject: Hello\r\n"
    b"Date: Mon, 23 Nov 2026 08:00:00 +0000\r\nMessage-ID: <%d@example.net>\r\n\r\nA few words.\r\n"
)


@contextlib.asynccontextmanager
async def _counting(folder: Path) -> AsyncIterator[tuple[Bench, Costs]]:
    with counted() as costs:
        async with open_bench(folder, costs=costs) as bench:
            costs.reset()
            yield bench, costs


async def _greeted(bench: Bench) -> MemoryPeer:
    peer = MemoryPeer(bench)
    await peer.reply()
    await peer.ask("EHLO mail.example.net")
    return peer


async def _deliver(peer: MemoryPeer, to: list[str], number: int) -> None:
    rcpt = "".join(f"RCPT TO:<{one}>\r\n" for one in to)
    await peer.send(f"MAIL FROM:<carol@example.net>\r\n{rcpt}DATA\r\n".encode())
    for _ in range(len(to) + 1):
        assert (await peer.reply()).startswith("250")
    assert (await peer.reply()).startswith("354")
    await peer.send(LETTER % number + b".\r\n")
    assert (await peer.reply()).startswith("250")


def test_one_delivery(tmp_path: Path) -> None:
    async def work() -> None:
        async with _counting(tmp_path) as (bench, costs):
            peer = await _greeted(bench)
            await _deliver(peer, ["alice@example.org"], 1)  # makes the segment
            costs.reset()
            await _deliver(peer, ["alice@example.org"], 2)
            assert dict(costs.statements) == {
                # RCPT
                "BEGIN": 1,
                "SELECT address": 1,
                # the write
                "BEGIN IMMEDIATE": 1,
                "SAVEPOINT job": 1,
                "UPDATE account": 1,
                "UPDATE mailbox": 1,
                "SELECT thread_ref": 1,
                "INSERT thread_ref": 1,
                "UPDATE blob": 1,
                "INSERT blob": 1,
                "INSERT message": 1,
                "INSERT placement": 1,
                "RELEASE job": 1,
                "COMMIT": 2,
            }
            assert (costs.segment_writes, costs.segment_syncs, costs.folder_syncs) == (1, 1, 0)
            assert costs.database_syncs == {"wal": 1}
            peer.close()

    asyncio.run(work())


def test_replies_to_a_burst_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        writes: list[bytes] = []
        write = MemoryTransport.write

        def counting(self: MemoryTransport, data: bytes) -> None:
            writes.append(bytes(data))
            write(self, data)

        async with _counting(tmp_path) as (bench, _):
            peer = await _greeted(bench)
            monkeypatch.setattr(MemoryTransport, "write", counting)
            await _deliver(peer, ["alice@example.org", "bob@example.org"], 1)
            assert [octets.count(b"\r\n") for octets in writes] == [4, 1]
            peer.close()

    asyncio.run(work())


def test_deliveries_at_once_share_their_syncs(tmp_path: Path) -> None:
    async def work() -> None:
        async with _counting(tmp_path) as (bench, costs):
            peers = [await _greeted(bench) for _ in range(20)]
            await _deliver(peers[0], ["alice@example.org"], 0)
            costs.reset()
            await asyncio.gather(
                *(_deliver(peer, ["alice@example.org"], n) for n, peer in enumerate(peers, 1))
            )
            # One write may be alone in the first batch; the others wait for it together.
            assert costs.segment_syncs <= 4
            assert costs.database_syncs["wal"] <= 4
            assert costs.statements["BEGIN IMMEDIATE"] <= 4
            assert costs.statements["INSERT message"] == 20
            for peer in peers:
                peer.close()

    asyncio.run(work())


def test_fifty_recipients_keep_the_octets_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with _counting(tmp_path) as (bench, costs):
            people = [f"person{number}@example.org" for number in range(50)]
            for login in people:
                await bench.store.write(partial(accounts.create, login=login, name=""))
            peer = await _greeted(bench)
            costs.reset()
            await _deliver(peer, people, 1)
            assert costs.statements["INSERT blob"] == 1
            assert costs.statements["INSERT message"] == 50
            assert costs.statements["BEGIN IMMEDIATE"] == costs.database_syncs["wal"] == 1
            assert costs.segment_writes <= 2  # the new segment's mark, and one record
            assert sum(costs.statements.values()) <= 50 * 11 + 10
            peer.close()

    asyncio.run(work())
