"""A world in memory: several Pillarboxes, one DNS, one network, one clock.

    async def work(world: World) -> None:
        org = await world.pillarbox("example.org", "alice")
        net = await world.pillarbox("example.net", "carol")
        await org.submit("alice@example.org", letter(), "carol@example.net")
        await world.until(lambda: net.mail("carol@example.net"))

    in_world(work)

Every store, door, judge, queue worker and sender is the real one. Time goes on only when nothing
moves, and then at once to the next instant at which a queue has something to do.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from support.authority import new_authority
from support.fake_clock import FakeClock
from support.fake_resolver import FakeResolver
from support.memory_network import MemoryNetwork
from support.quiet_loop import QuietLoop, run_quietly
from support.scripted_smtp import Script
from support.world_node import Node, Wishes, open_node, send

AUTHORITY = new_authority("World Root")
MEMORY = Path("/dev/shm")  # what a power cut would leave is the crash tests' subject


class World:
    """Addresses are given out from 192.0.2.10 on; names are in `resolver.records`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.network = MemoryNetwork(self.clock)
        self.resolver = FakeResolver()
        self.nodes: list[Node] = []
        self.calls: dict[str, list[int]] = {}  # by domain: seconds since START
        self.pages: dict[str, Fetched | FetchFailed] = {}  # by URL: policies of MTA-STS
        self.fetched: list[str] = []
        self._stack = AsyncExitStack()
        self._hosts = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Connections that stand would be waited for by a clock that stands, too.
        for client, _ in self.network.connections:
            client.abort()
        await asyncio.sleep(0)
        await self._stack.aclose()

    @property
    def loop(self) -> QuietLoop:
        return cast(QuietLoop, asyncio.get_running_loop())

    def new_address(self) -> str:
        self._hosts += 1
        return f"192.0.2.{9 + self._hosts}"

    # Who is in it

    async def pillarbox(self, domain: str, *people: str, **wishes: Any) -> Node:
        """A server of `domain` with accounts; see `support.world_node.Wishes`."""
        address = self.new_address()
        node = await self._stack.enter_async_context(
            open_node(self, domain, address, people, Wishes(**wishes))
        )
        self.nodes.append(node)
        return node

    def peer(self, domain: str, script: Script | None = None, address: str = "") -> Script:
        """A server that does what its script says, and is the MX of `domain`."""
        script = script or Script()
        address = address or self.new_address()
        self.resolver.records[domain] = {"MX": [(10, f"mx.{domain}")]}
        self.resolver.records[f"mx.{domain}"] = {"A": [address]}
        self.listen(domain, address, 25, script.connection)
        return script

    def listen(
        self, domain: str, address: str, port: int, protocol: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        """Take connections; when each came is in `calls`."""
        calls = self.calls.setdefault(domain, [])

        def answer() -> asyncio.BaseProtocol:
            if port == 25:
                calls.append(round((self.clock.now() - START).total_seconds()))
            return protocol()

        self.network.listen(address, port, answer)

    def address_of(self, domain: str) -> str:
        """That of the domain's first MX."""
        exchange = self.resolver.records[domain]["MX"][0][1]
        return str(self.resolver.records[exchange]["A"][0])

    async def hand_over(
        self,
        node: Node,
        octets: bytes,
        *to: str,
        sender: str = "mallory@example.com",
        address: str = "198.51.100.7",
        helo: str = "client.example.com",
        **more: Any,
    ) -> list[str]:
        """A stranger at `address` brings a message to port 25; the reply for each recipient."""
        caller = Caller(ehlo_name=helo, clock=self.clock, connector=self.network.connector(address))
        connection = await SmtpConnection.open(caller, node.address, 25)
        replies = await send(connection, octets, to, sender, **more)
        connection.close()
        return replies

    async def fetch(self, url: str) -> Fetched:
        """A page of `pages`, as a sender fetches it. Raises FetchFailed."""
        self.fetched.append(url)
        page = self.pages.get(url, FetchFailed("unreachable", f"{url} is not there."))
        if isinstance(page, FetchFailed):
            raise page
        return page

    # Time

    async def settle(self) -> None:
        """Let all that can happen now happen."""
        await self.loop.quiet()

    async def advance(self, seconds: float) -> None:
        """One step of time."""
        await self.settle()
        await self.clock.advance(seconds)
        await self.settle()

    async def run(self, seconds: float, *, step: float = 1e9) -> None:
        """Let so much time pass, from one thing that is due to the next, `step` at most."""
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            await self.settle()
            await self.advance(min(left, step, await self._seconds_to_next()))

    async def until(
        self,
        condition: Callable[[], Awaitable[object]],
        *,
        within: timedelta = timedelta(days=7),
        step: float = 1e9,
    ) -> None:
        """Let time pass until something holds."""
        end = self.clock.now() + within
        await self.settle()
        while not await condition():
            assert self.clock.now() < end, f"not within {within}"
            await self.advance(min(step, await self._seconds_to_next()))

    async def _seconds_to_next(self) -> float:
        found = [await node.next_due() for node in self.nodes]
        return max(1.0, min(found, default=3600.0))


START: datetime = FakeClock().now()


def in_world(work: Callable[[World], Awaitable[None]]) -> None:
    """Run `work` in a new world, whose stores are in memory where there is room for files."""

    async def whole() -> None:
        place = MEMORY if MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(prefix="world-", dir=place) as folder:
            async with World(Path(folder)) as world:
                await work(world)

    run_quietly(whole)
