"""What an operation costs while mailboxes, accounts and connections grow: `--growth`."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import uvloop

from benchmarks import process_tree
from benchmarks.clients import ImapPeer, SmtpPeer, dot_stuffed
from benchmarks.contenders import Contender, Variant, pillarbox
from benchmarks.measure import Bench
from benchmarks.messages import MessageMaker
from benchmarks.workloads.filling import fill, signed_in

MESSAGES = (1_000, 10_000, 100_000)
ACCOUNTS = (1, 100, 10_000)
CONNECTIONS = (1, 100, 2_000)
OPERATIONS = 2_000
TURNS = 3  # the cheapest counts: other work on the machine, and behind deliveries, only adds
FILLED_WITH = 1_024  # octets of the messages that only make a mailbox large
PEERS = 4  # connections that do the operations

Operation = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Point:
    """The cost of one operation at one size."""

    axis: str
    size: int
    operation: str
    cpu_ms: float  # of the server's whole tree
    latency_ms: float  # the median


def run(workers: int, scale: float) -> None:
    """All three axes, each from an empty store."""
    _allow_descriptors()
    print(f"{'grows':<14}{'to':>8}  {'operation':<12}{'CPU ms':>9}{'p50 ms':>9}{'CPU ×':>8}")
    for axis, sizes in (
        (_messages, MESSAGES),
        (_accounts, ACCOUNTS),
        (_connections, CONNECTIONS),
    ):
        first: dict[str, Point] = {}
        with _server(workers) as contender:
            for size in sizes:
                bench = Bench(contender, scale=scale)
                for point in uvloop.run(axis(bench, max(1, int(size * scale)))):
                    base = first.setdefault(point.operation, point)
                    ratio = point.cpu_ms / base.cpu_ms if base.cpu_ms else 0.0
                    print(
                        f"{point.axis:<14}{point.size:>8}  {point.operation:<12}"
                        f"{point.cpu_ms:>9.3f}{point.latency_ms:>9.3f}{ratio:>8.2f}",
                        flush=True,
                    )


def _server(workers: int) -> contextlib.AbstractContextManager[Contender]:
    return pillarbox(Variant("pillarbox", workers))


async def _messages(bench: Bench, size: int) -> list[Point]:
    """A mailbox with ever more messages; what was there before counts."""
    contender = bench.contender
    there = await _count(contender)
    await fill(contender, 0, max(0, size - there), FILLED_WITH, seed=size)
    await bench.settle()
    return await _measured(bench, "messages", size, users=1, filled=size)


async def _accounts(bench: Bench, size: int) -> list[Point]:
    """Ever more accounts; commands go to some of them, deliveries to all in turn."""
    await asyncio.to_thread(bench.contender.add_users, size)
    for user in range(min(PEERS, size)):
        if await _count(bench.contender, user) == 0:
            await fill(bench.contender, user, 200, 4096, seed=user)
    await bench.settle()
    return await _measured(bench, "accounts", size, users=size, filled=200)


async def _connections(bench: Bench, size: int) -> list[Point]:
    """Ever more connections that stand idle with a mailbox open."""
    for user in range(PEERS):
        if await _count(bench.contender, user) == 0:
            await fill(bench.contender, user, 200, 4096, seed=user)
    async with _standing(bench.contender, size):
        await bench.settle()
        return await _measured(bench, "connections", size, users=PEERS, filled=200)


async def _measured(bench: Bench, axis: str, size: int, *, users: int, filled: int) -> list[Point]:
    """Deliver, look, read, mark."""
    contender, count = bench.contender, bench.scaled(OPERATIONS, 20)
    maker = MessageMaker(4096, seed=size)
    messages = [dot_stuffed(next(maker)) for _ in range(count)]
    some = min(users, PEERS)
    imap = [await signed_in(contender, one % some, b"INBOX") for one in range(PEERS)]
    smtp = [await SmtpPeer.connect(contender.host, contender.ports.smtp) for _ in range(PEERS)]
    for peer in smtp:
        await peer.say(b"EHLO load.sender.example\r\n", b"250")

    def deliver(number: int) -> Awaitable[object]:
        person = contender.login(number * users // count).encode()
        return smtp[number % PEERS].send([person], messages[number])

    def command(octets: Callable[[int], bytes]) -> Operation:
        return lambda number: imap[number % PEERS].command(octets(number))

    def uid(number: int) -> int:
        return 1 + number * 7919 % filled

    operations: dict[str, Operation] = {
        "noop": command(lambda _: b"NOOP"),
        "select": command(lambda _: b"SELECT INBOX"),
        "status": command(lambda _: b"STATUS Sent (MESSAGES UIDNEXT UNSEEN)"),
        "fetch": command(lambda n: b"UID FETCH %d (FLAGS ENVELOPE BODY.PEEK[])" % uid(n)),
        "store": command(lambda n: b"UID STORE %d %bFLAGS.SILENT (\\Flagged)" % (uid(n), _sign(n))),
        "deliver": deliver,
    }
    points = [
        await _point(bench, axis, size, name, count, operation)
        for name, operation in operations.items()
    ]
    for peer in [*imap, *smtp]:
        peer.close()
    return points


def _sign(number: int) -> bytes:
    return b"-" if number // PEERS % 2 else b"+"


async def _point(
    bench: Bench, axis: str, size: int, name: str, count: int, operation: Operation
) -> Point:
    latencies: list[float] = []

    async def work(first: int) -> None:
        for number in range(first, count, PEERS):
            began = time.perf_counter()
            await operation(number)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*map(work, range(min(PEERS, count))))  # caches are warm then
    latencies.clear()
    turns: list[float] = []
    for _ in range(TURNS):
        before = process_tree.cpu_seconds(bench.contender.roots)
        await asyncio.gather(*map(work, range(min(PEERS, count))))
        turns.append(process_tree.cpu_seconds(bench.contender.roots) - before)
    spent = min(turns)
    return Point(axis, size, name, spent / count * 1000, statistics.median(latencies) * 1000)


async def _count(contender: Contender, user: int = 0) -> int:
    peer = await signed_in(contender, user)
    answer = await peer.command(b"STATUS INBOX (MESSAGES)")
    peer.close()
    return int(answer.split(b"MESSAGES ")[1].split(b")")[0])


@contextlib.asynccontextmanager
async def _standing(contender: Contender, count: int) -> AsyncIterator[None]:
    """So many connections, of users whom no operation touches."""
    peers: list[ImapPeer] = []
    try:
        for number in range(count):
            peers.append(await signed_in(contender, PEERS + number % 50, b"INBOX"))
        yield
    finally:
        for peer in peers:
            peer.close()


def _allow_descriptors() -> None:
    """Both sides of each connection need one; the server has this process's limits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
