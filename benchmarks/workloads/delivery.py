"""Mail coming in: SMTP until it can be read, and APPEND."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.clients import SmtpPeer, dot_stuffed
from benchmarks.measure import Bench, Row, timed
from benchmarks.messages import MessageMaker
from benchmarks.workloads.filling import signed_in, visible, watchers

USERS = 50


async def smtp_4k(bench: Bench) -> None:
    """20 connections, one recipient a message, 50 users in turn."""
    count = bench.scaled(4000, 100)
    await _smtp(bench, "smtp-4k", count=count, size=4096, connections=20)


async def smtp_64k(bench: Bench) -> None:
    """The same with messages of 64 KiB."""
    count = bench.scaled(1500, 50)
    await _smtp(bench, "smtp-64k", count=count, size=65536, connections=20)


async def fifty_recipients(bench: Bench) -> None:
    """Messages of 4 KiB to all 50 users at once; an operation is one delivery."""
    count = bench.scaled(300, 10)
    await _smtp(bench, "smtp-50rcpt", count=count, size=4096, connections=10, people=USERS)


async def append_4k(bench: Bench) -> None:
    """10 connections of 10 users."""
    contender = bench.contender
    count, connections = bench.scaled(4000, 100), 10
    maker = MessageMaker(4096)
    messages = [next(maker) for _ in range(count)]
    peers = [await signed_in(contender, number) for number in range(connections)]
    with bench.measure("append-4k", count) as row:

        async def work(number: int) -> None:
            for message in messages[number::connections]:
                with timed(row):
                    await peers[number].append(b"INBOX", [message])

        await asyncio.gather(*(work(number) for number in range(connections)))
    await bench.settle(row)
    for peer in peers:
        peer.close()


async def _smtp(
    bench: Bench, name: str, *, count: int, size: int, connections: int, people: int = 1
) -> None:
    contender = bench.contender
    maker = MessageMaker(size)
    messages = [dot_stuffed(next(maker)) for _ in range(count)]
    peers = [
        await SmtpPeer.connect(contender.host, contender.ports.smtp) for _ in range(connections)
    ]
    for peer in peers:
        await peer.say(b"EHLO load.sender.example\r\n", b"250")

    def recipients(number: int) -> list[bytes]:
        return [contender.login((number + one) % USERS).encode() for one in range(people)]

    deliveries = count * people
    readers = await watchers(contender, range(USERS))
    wanted = [len(range(user, deliveries, USERS)) for user in range(USERS)]
    with bench.measure(name, deliveries) as row:
        await asyncio.gather(
            *(
                _send(peer, range(first, count, connections), messages, recipients, row)
                for first, peer in enumerate(peers)
            )
        )
        await visible(contender, readers, wanted)
    await bench.settle(row)
    for peer in [*peers, *readers]:
        peer.close()


async def _send(
    peer: SmtpPeer,
    numbers: range,
    messages: list[bytes],
    recipients: Callable[[int], list[bytes]],
    row: Row,
) -> None:
    for number in numbers:
        with timed(row):
            await peer.send(recipients(number), messages[number])
