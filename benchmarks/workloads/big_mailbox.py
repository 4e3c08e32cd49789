"""A mailbox of 50,000 messages of 2 KiB: opening, listing, marking, emptying."""

from __future__ import annotations

from benchmarks.clients import ImapPeer
from benchmarks.measure import Bench, timed
from benchmarks.workloads.filling import fill, signed_in

MESSAGES = 50_000
SIZE = 2048
REPEATS = 3


async def big_mailbox(bench: Bench) -> None:
    """Each row by a new connection where that matters."""
    count = bench.scaled(MESSAGES, 500)
    await fill(bench.contender, 0, count, SIZE)
    await bench.settle()
    first = await signed_in(bench.contender, 0)
    await _repeat(bench, "select-50k", first, b"SELECT INBOX", times=1)
    first.close()
    again = await signed_in(bench.contender, 0)
    await _repeat(bench, "select-50k-again", again, b"SELECT INBOX")
    await _repeat(bench, "fetch-flags-50k", again, b"FETCH 1:* (FLAGS)")
    await _repeat(bench, "store-all-50k", again, b"STORE 1:* +FLAGS.SILENT (\\Deleted)", times=1)
    await _repeat(bench, "expunge-50k", again, b"EXPUNGE", times=1)
    again.close()


async def _repeat(
    bench: Bench, name: str, peer: ImapPeer, command: bytes, *, times: int = REPEATS
) -> None:
    with bench.measure(name, times) as row:
        for _ in range(times):
            with timed(row):
                await peer.command(command)
