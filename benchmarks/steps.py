"""What each step of a delivery costs, in one process: `python -m benchmarks.steps`.

First each step by itself (CPU-µs on one thread), of a delivery and of reading; then whole
deliveries over 20 connections with the CPU of each thread, then the counts of statements, syncs and
writes. A noisy machine moves the times, not the counts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TextIO, cast

import uvloop

from benchmarks.messages import MessageMaker
from benchmarks.reading import reading_alone
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.directory import Directory
from pillarbox.clock import SystemClock
from pillarbox.config.auth import AuthSettings
from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.store import StoreSettings
from pillarbox.flow.delivery import keep, trace
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.plan import plan_delivery
from pillarbox.flow.inbound.policy import gather_facts
from pillarbox.message.digest import digest
from pillarbox.net.listener import Listener, Security
from pillarbox.net.secret import Secret
from pillarbox.smtp.server.context import SmtpServices
from pillarbox.smtp.server.door import SmtpServer
from pillarbox.smtp.server.session import Session
from pillarbox.smtp.wire.data import DataDecoder
from pillarbox.smtp.wire.lines import LineReader
from pillarbox.store import Store
from pillarbox.store.blobs.record import seal_bytes
from pillarbox.store.engine.sqlite.connection import drive
from pillarbox.store.open import open_store
from pillarbox.store.sql import accounts
from pillarbox.telemetry.log import configure
from support.costs import Costs, counted

USERS = 50
LISTENER = Listener("smtp", "mx", Security.NONE)
ENVELOPE = b"MAIL FROM:<load@sender.example>\r\nRCPT TO:<user7@example.org>\r\nDATA\r\n"


class _Faults:
    """The lines of the log are made and written, but only faults are shown."""

    def __init__(self, nowhere: TextIO) -> None:
        self._nowhere = nowhere
        self.flush = nowhere.flush

    def write(self, line: str) -> None:
        """One line of JSON."""
        self._nowhere.write(line)
        if '"level":"info"' not in line and line != "\n":
            print(line, file=sys.stderr)


class _Lease:
    def release(self) -> None:
        """There is no limit."""


@contextlib.asynccontextmanager
async def open_server(
    costs: Costs | None = None, *, index: bool = True
) -> AsyncIterator[tuple[Store, SmtpServer]]:
    """A door over an empty store on a disk, with its users."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="steps-", dir="/var/tmp") as folder:
        settings = StoreSettings(data_dir=folder, index_seconds=2.0 if index else 1e6)
        if costs is None:
            store = await open_store(settings, clock)
        else:
            store = await open_store(settings, clock, disk=costs.disk, vfs=costs.vfs)
        authenticator = Authenticator(store, AuthSettings(), clock, Secret(b"k" * 32))
        await store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        for number in range(USERS):
            login = f"user{number}@example.org"
            await store.write(partial(accounts.create, login=login, name=""))
        services = SmtpServices(
            store=store,
            directory=Directory(store),
            authenticator=authenticator,
            settings=SmtpSettings(
                greeting_delay_seconds=0.0, max_transactions=10**6, max_idle_commands=10**6
            ),
            hostname="mx.example.org",
            clock=clock,
            admit=lambda _: _Lease(),
        )
        try:
            yield store, SmtpServer(services)
        finally:
            authenticator.close()
            await store.close()


# Each step by itself


def cost(step: Callable[[bytes], object], messages: list[bytes]) -> float:
    """CPU-µs of a step for one message: the best of some rounds."""
    best = float("inf")
    for _ in range(5):
        began = time.thread_time_ns()
        for message in messages:
            step(message)
        best = min(best, (time.thread_time_ns() - began) / len(messages) / 1000)
    return best


async def steps_alone(size: int) -> list[tuple[str, float]]:
    """The table of the steps, none of which waits."""
    maker = MessageMaker(size)
    messages = [next(maker) for _ in range(400)]
    gc.disable()
    async with open_server() as (store, server):
        session = _session(server)
        recipients = await expand(_services(server).directory, "user7@example.org", 0)
        assert isinstance(recipients, tuple)
        envelope = Envelope(
            journey="0123456789ab",
            origin=Origin("127.0.0.1", "load.example", "ESMTP", "0123456789ab"),
            sender=Sender("load@sender.example"),
            recipients=(Recipient("user7@example.org", recipients),),
        )
        directory = _services(server).directory

        def commands(_: bytes) -> None:
            for line in ENVELOPE.split(b"\r\n")[:-1]:
                reply = drive(session.answer(line, more_behind=False))
                assert reply is not None and reply.code < 400, reply
                reply.encode()
            session.context.reset()

        def spool(message: bytes) -> None:
            with store.spool() as spool:
                spool.write(message)
                spool.octets()

        table = [
            ("frame: commands", cost(_frame, messages)),
            ("frame: message", cost(lambda m: DataDecoder().feed(m + b".\r\n"), messages)),
            ("commands, with resolve", cost(commands, messages)),
            (
                "  of it resolve",
                cost(lambda _: drive(directory.resolve("user7@example.org")), messages),
            ),
            ("spool", cost(spool, messages)),
            ("checks", cost(lambda m: gather_facts(m, len(m), 65536), messages)),
            ("digest", cost(digest, messages)),
            ("hash and compress", cost(seal_bytes, messages)),
            ("plan and trace", cost(lambda _: _plan_and_trace(envelope), messages)),
            ("SQL, in batches of 16", await _sql(store, envelope, messages)),
        ]
    gc.enable()
    return table


def _frame(_: bytes) -> None:
    lines = LineReader(1000)
    lines.feed(ENVELOPE)
    while lines.next_line() is not None:
        pass


def _plan_and_trace(envelope: Envelope) -> None:
    plan_delivery(envelope)
    trace.received(envelope, "mx.example.org", int(time.time()))


async def _sql(store: Store, envelope: Envelope, messages: list[bytes]) -> float:
    """CPU-µs on the writer's thread for a message, its share of the commit included."""
    plan = plan_delivery(envelope)
    received = trace.received(envelope, "mx.example.org", int(time.time()))
    sealed = [keep.Sealed(seal_bytes(message), digest(message)) for message in messages]
    before = thread_cpu()["store-writer"]
    for start in range(0, len(sealed), 16):
        writes = (
            partial(
                keep.keep,
                envelope=envelope,
                plan=plan,
                sealed=one,
                received=received,
                check_quota=True,
            )
            for one in sealed[start : start + 16]
        )
        await asyncio.gather(*map(store.write, writes))
    return (thread_cpu()["store-writer"] - before) / len(sealed) * 1e6


def _services(server: SmtpServer) -> SmtpServices:
    return server._services


def _session(server: SmtpServer) -> Session:
    connection = server.connection(LISTENER)
    connection.connected()
    session = connection._session
    assert session is not None
    reply = drive(session.answer(b"EHLO load.example", more_behind=False))
    assert reply is not None
    return session


# Whole deliveries


def thread_cpu() -> dict[str, float]:
    """CPU seconds of each thread so far, by its name; other threads than Python's as "other"."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            spent = int((task / "schedstat").read_text().split()[0]) / 1e9
            name = names.get(int(task.name), "other")
            found[name] = found.get(name, 0.0) + spent
    return found


async def run_load(server: SmtpServer, count: int, connections: int, size: int) -> list[float]:
    """Seconds from the first command to the last reply, and the generator's CPU seconds."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: server.connection(LISTENER), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    arguments = [str(one) for one in (port, count, connections, size, USERS)]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.delivery_load", *arguments, stdout=-1
    )
    output, _ = await child.communicate()
    listening.close()
    return [float(word) for word in output.split()]


async def whole_deliveries(count: int, connections: int, size: int, *, index: bool) -> None:
    """Rate, and where the CPU goes by thread; then the index's cost until it caught up."""
    async with open_server(index=index) as (store, server):
        before, started = thread_cpu(), time.process_time()
        seconds, generator = await run_load(server, count, connections, size)
        spent, after = time.process_time() - started, thread_cpu()
        batches = store_batches(store)
        print(f"{count} messages of {size} octets over {connections} connections")
        print(f"  {count / seconds:8.0f} messages/s   {spent / count * 1e6:6.0f} CPU-µs each")
        for name in sorted(after):
            used = (after[name] - before.get(name, 0.0)) / count * 1e6
            if used >= 1:
                print(f"  {name:24} {used:8.0f} CPU-µs")
        print(f"  {'messages in a commit':24} {count / max(batches, 1):8.1f}")
        print(f"  {'(generator)':24} {generator / count * 1e6:8.0f} CPU-µs")
        started = time.process_time()
        left = await store.index_now()
        spent = time.process_time() - started
        if left:
            print(f"  {'index, behind delivery':24} {spent / left * 1e6:8.0f} CPU-µs ({left} left)")


def store_batches(store: Store) -> int:
    """Group commits so far."""
    return int(store._engine._writer.batches)  # type: ignore[attr-defined]


async def counts(count: int, connections: int, size: int) -> None:
    """Statements, syncs and writes of a delivery."""
    with counted() as costs:
        async with open_server(costs) as (_, server):
            costs.reset()
            await run_load(server, count, connections, size)
            statements = costs.statements.copy()
            print(f"\nfor each of {count} messages over {connections} connections")
            for name, number in statements.most_common():
                if number / count >= 0.01:
                    print(f"  {number / count:7.2f}  {name}")
            for name, number in (
                ("syncs of the WAL", costs.database_syncs["wal"]),
                ("syncs of the database", costs.database_syncs["database"]),
                ("syncs of segments", costs.segment_syncs),
                ("writes to segments", costs.segment_writes),
                ("writes to the WAL", costs.database_writes["wal"]),
                ("writes to the database", costs.database_writes["database"]),
            ):
                print(f"  {number / count:7.2f}  {name}")


async def _reading(size: int) -> list[tuple[str, float]]:
    async with open_server(index=False) as (store, _):
        return await reading_alone(store, size)


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.add_argument("--messages", type=int, default=6000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--octets", type=int, default=4096)
    parser.add_argument("--only", choices=("alone", "reading", "whole", "counts"))
    given = parser.parse_args()
    with Path("/dev/null").open("w") as nowhere:
        configure(level="info", style="json", stream=cast(TextIO, _Faults(nowhere)))
        if given.only in (None, "alone"):
            table = uvloop.run(steps_alone(given.octets))
            print(f"one message of {given.octets} octets, each step by itself")
            for name, spent in table:
                print(f"  {name:24} {spent:8.1f} CPU-µs")
        if given.only in (None, "reading"):
            for octets in (given.octets, 65536):
                table = uvloop.run(_reading(octets))
                print(f"\nreading one message of {octets} octets, each step by itself")
                for name, spent in table:
                    print(f"  {name:24} {spent:8.1f} CPU-µs")
        if given.only in (None, "whole"):
            for index in (True, False):
                print("\nwith the search index behind it" if index else "\nwithout it")
                uvloop.run(
                    whole_deliveries(given.messages, given.connections, given.octets, index=index)
                )
        if given.only in (None, "counts"):
            uvloop.run(counts(min(given.messages, 1000), given.connections, given.octets))
        logging.shutdown()


if __name__ == "__main__":
    main()
