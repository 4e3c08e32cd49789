"""What an operation takes of Python's memory, measured within this process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pillarbox.config.imap import ImapSettings
from pillarbox.config.pop3 import Pop3Settings
from pillarbox.imap.server.context import ImapServices
from pillarbox.imap.server.door import ImapServer
from pillarbox.net.door import Door
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.listener import Listener, Security
from pillarbox.pop3.server.door import Pop3Server
from pillarbox.pop3.server.services import Pop3Services
from support.costs import counted
from support.listening import tls_contexts
from support.smtp_bench import HOSTNAME, MemoryTransport, open_bench

_TAIL = 4096  # octets that are kept of what a door says
_LOOKS = 3  # times to look whether what runs behind the answers has ended


class Sink(MemoryTransport):
    """A far side that takes all at once and keeps only the last octets, and how many there were."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1")
        self.octets = 0
        self.tail = b""
        self.wrote = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.octets += len(data)
        self.tail = (self.tail + bytes(data[-_TAIL:]))[-_TAIL:]
        self.wrote.set()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        for data in list_of_data:
            self.write(data)


class Speaker:
    """A client that hands octets to a door's connection, without a socket between them."""

    def __init__(self, door: Door, role: str) -> None:
        self._sink = Sink()
        made = door.connection(Listener(role, role, Security.STARTTLS))
        self._connection: Any = made
        self._sink.start(made)

    async def say(self, octets: bytes, mark: bytes) -> int:
        """Send; return when `mark` was the last that came, how many octets came."""
        begun, self._sink.tail = self._sink.octets, b""
        self._connection.data_received(octets)
        await self.heard(mark)
        return self._sink.octets - begun

    async def send(self, octets: bytes) -> None:
        """Send and let the door work."""
        self._connection.data_received(octets)
        await asyncio.sleep(0)

    async def heard(self, mark: bytes) -> None:
        """Wait until the last line begins with `mark` (no timeout: its timer would be counted)."""
        while not self._last_line().startswith(mark):
            self._sink.wrote.clear()
            await self._sink.wrote.wait()

    def _last_line(self) -> bytes:
        ended = self._sink.tail.endswith(b"\r\n")
        return self._sink.tail[:-2].rpartition(b"\r\n")[2] if ended else b""

    def close(self) -> None:
        """Hang up."""
        self._sink.close()


@dataclass
class Doors:
    """Three doors of one store with alice@example.org in it, without its background work."""

    smtp: Door
    imap: Door
    pop3: Door


@contextlib.asynccontextmanager
async def open_doors(folder: Path) -> AsyncIterator[Doors]:
    """Open everything in `folder`, close it at the end."""
    tls = tls_contexts(folder)
    with counted() as costs:  # for a bench whose indexer and polls rest
        async with open_bench(folder, costs=costs) as bench:
            shared: dict[str, Any] = {
                "store": bench.store,
                "authenticator": bench.services.authenticator,
                "hostname": HOSTNAME,
                "clock": bench.services.clock,
                "admit": ConnectionLimiter(1000, 1000).admit,
                "tls": tls,
            }
            imap = ImapServer(ImapServices(settings=ImapSettings(), **shared))
            pop3 = Pop3Server(
                Pop3Services(settings=Pop3Settings(), lock_file=folder / "pop3.lock", **shared)
            )
            try:
                yield Doors(bench.server, imap, pop3)
            finally:
                for door in (bench.server, imap, pop3):
                    await door.drain(1)
                pop3.close()


async def blocks() -> int:
    """Blocks of Python's memory in use, when what ran behind the answers has ended."""
    least = sys.maxsize
    for _ in range(_LOOKS):
        gc.collect()
        least = min(least, sys.getallocatedblocks())
        await asyncio.sleep(0.05)
    return least


async def peak_octets(work: Callable[[], Awaitable[object]]) -> int:
    """The most octets of Python's memory that were in use at once for the work, all threads'."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        await work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
