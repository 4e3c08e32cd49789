"""Small IMAP commands over 20 connections of 20 users, each with 200 messages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from benchmarks.clients import ImapPeer
from benchmarks.measure import Bench, timed
from benchmarks.workloads.filling import fill, signed_in

CONNECTIONS = 20
MESSAGES = 200


async def small_commands(bench: Bench) -> None:
    """NOOP, STATUS of another mailbox, FETCH of one message, STORE on one."""
    for user in range(CONNECTIONS):
        await fill(bench.contender, user, MESSAGES, 4096, seed=user)
    await bench.settle()  # what is done behind filling belongs to filling
    peers = [await signed_in(bench.contender, user, b"INBOX") for user in range(CONNECTIONS)]
    each = bench.scaled(1000, 20)
    await _round(bench, "noop", peers, each, lambda _: b"NOOP")
    await _round(bench, "status", peers, each, lambda _: _STATUS)
    await _round(bench, "fetch1", peers, each, _fetch)
    await _round(bench, "store1", peers, bench.scaled(300, 10), _store)
    for peer in peers:
        peer.close()


_STATUS = b"STATUS Sent (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"


def _fetch(rng: random.Random) -> bytes:
    return b"UID FETCH %d (FLAGS ENVELOPE BODY.PEEK[])" % rng.randint(1, MESSAGES)


def _store(rng: random.Random) -> bytes:
    flag = rng.choice([b"\\Seen", b"\\Flagged", b"\\Answered"])
    sign = rng.choice([b"+", b"-"])
    return b"UID STORE %d %bFLAGS.SILENT (%b)" % (rng.randint(1, MESSAGES), sign, flag)


async def _round(
    bench: Bench,
    name: str,
    peers: list[ImapPeer],
    each: int,
    command: Callable[[random.Random], bytes],
) -> None:
    with bench.measure(name, each * len(peers)) as row:

        async def work(number: int, peer: ImapPeer) -> None:
            rng = random.Random(number)
            for _ in range(each):
                with timed(row):
                    await peer.command(command(rng))

        await asyncio.gather(*(work(number, peer) for number, peer in enumerate(peers)))
