"""A network in memory: connections between asyncio protocols, with latency, rates and cuts.

    network = MemoryNetwork(clock)
    network.listen("192.0.2.1", 25, lambda: server.connection(listener))
    caller = Caller(ehlo_name=…, clock=clock, connector=network.connector("192.0.2.9"))

Without latency or rate the octets arrive in the loop's next round, in order. With them they wait by
the clock that was handed in. TLS works by asyncio's `loop.start_tls`; uvloop's wants sockets.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pillarbox.clock import Clock

HIGH_WATER = 64 * 1024  # octets under way before a writer is asked to wait
Factory = Callable[[], asyncio.BaseProtocol]


@dataclass(slots=True)
class Faults:
    """How the connections to one address behave."""

    latency: float = 0.0  # seconds each way
    octets_per_second: int = 0  # from server to client; 0: as fast as they come
    cut_to_server: int | None = None  # the link breaks when so many octets came to the server
    cut_to_client: int | None = None  # … or to the client
    refuses: bool = False  # nobody listens
    silent: bool = False  # packets vanish: connecting never ends


class MemoryNetwork:
    """Listeners by address and port; `faults` may be changed at any time, for connections to be."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock
        self.faults: dict[str, Faults] = {}  # by address
        self.connections: list[tuple[MemoryTransport, MemoryTransport]] = []  # client's, server's
        self._listeners: dict[tuple[str, int], Factory] = {}
        self._ports = itertools.count(49_152)

    def listen(self, address: str, port: int, protocol_factory: Factory) -> None:
        """Take connections from now on; a second call replaces the first."""
        self._listeners[address, port] = protocol_factory

    def stop_listening(self, address: str, port: int) -> None:
        self._listeners.pop((address, port), None)

    def connector(self, address: str = "198.51.100.1") -> MemoryConnector:
        """Connections of the host at `address`: a `pillarbox.net.outgoing.connector.Connector`."""
        return MemoryConnector(self, address)

    def connected_to(self, address: str) -> int:
        """How many connections were ever made there."""
        return sum(client.peername[0] == address for client, _ in self.connections)

    async def connect(
        self, source: str, address: str, port: int, protocol_factory: Factory
    ) -> MemoryTransport:
        """Raises ConnectionRefusedError."""
        faults = self.faults.get(address, Faults())
        if faults.silent:
            await asyncio.get_running_loop().create_future()
        if faults.latency and self.clock is not None:
            await self.clock.sleep(2 * faults.latency)
        listener = self._listeners.get((address, port))
        if listener is None or faults.refuses:
            raise ConnectionRefusedError(111, "Connection refused")
        here, there = (source, next(self._ports)), (address, port)
        client = MemoryTransport(self.clock, here, there)
        server = MemoryTransport(self.clock, there, here)
        client.join(server, faults.latency, 0, faults.cut_to_server)
        server.join(client, faults.latency, faults.octets_per_second, faults.cut_to_client)
        self.connections.append((client, server))
        server.begin(listener())
        client.begin(protocol_factory())
        if 0 in (faults.cut_to_server, faults.cut_to_client):
            client.abort()
        return client


class MemoryConnector:
    """Connections from one address; those that were asked for are in `asked`."""

    def __init__(self, network: MemoryNetwork, address: str) -> None:
        self._network = network
        self._address = address
        self.asked: list[tuple[str, int]] = []

    async def connect(
        self, address: str, port: int, protocol_factory: Factory, *, source: str = ""
    ) -> None:
        self.asked.append((address, port))
        await self._network.connect(source or self._address, address, port, protocol_factory)


class MemoryTransport(asyncio.Transport):
    """One end. What is written waits here until the other end takes it."""

    _start_tls_compatible = True  # what asyncio's `start_tls` asks for

    def __init__(
        self, clock: Clock | None, sockname: tuple[str, int], peername: tuple[str, int]
    ) -> None:
        super().__init__({"sockname": sockname, "peername": peername})
        self.peername = peername
        self.delivered = 0  # octets that came to the other end
        self._clock = clock
        self._protocol: Any = None
        self._other: MemoryTransport | None = None
        self._latency = 0.0
        self._rate = 0
        self._cut: int | None = None
        self._out: deque[tuple[float, bytes]] = deque()  # when it arrives, and what
        self._size = 0
        self._paused = False  # this end does not read
        self._asked_to_wait = False
        self._pump: asyncio.Task[None] | asyncio.Handle | None = None
        self._closing = False
        self._gone = False
        self._eof = False

    def join(self, other: MemoryTransport, latency: float, rate: int, cut: int | None) -> None:
        self._other, self._latency, self._rate, self._cut = other, latency, rate, cut

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol
        protocol.connection_made(self)

    # What protocols call

    def write(self, data: bytes | bytearray | memoryview) -> None:
        octets = bytes(data)
        if not octets or self._gone or self._eof:
            return
        self._out.append((self._arrives_at(), octets))
        self._size += len(octets)
        if self._size > HIGH_WATER and not self._asked_to_wait:
            self._asked_to_wait = True
            self._protocol.pause_writing()
        self._wake()

    def writelines(self, pieces: Any) -> None:
        self.write(b"".join(pieces))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._eof = True
        self._wake()

    def close(self) -> None:
        if not self._closing:
            self._closing = self._eof = True
            self._wake()

    def abort(self) -> None:
        self._break()

    def _force_close(self, error: BaseException | None) -> None:
        """What asyncio's TLS calls when a handshake fails."""
        self._break()

    def is_closing(self) -> bool:
        return self._closing or self._gone

    def get_write_buffer_size(self) -> int:
        return self._size

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 0, HIGH_WATER

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        if self._other is not None:
            self._other._wake()

    def is_reading(self) -> bool:
        return not self._paused

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    # The wire

    def _wake(self) -> None:
        if self._pump is not None or self._gone:
            return
        loop = asyncio.get_running_loop()
        if self._latency or self._rate:
            self._pump = loop.create_task(self._carry_slowly())
        else:
            self._pump = loop.call_soon(self._carry)

    def _arrives_at(self) -> float:
        return self._clock.monotonic() + self._latency if self._clock is not None else 0.0

    def _carry(self) -> None:
        self._pump = None
        other = self._other
        assert other is not None
        if self._gone or other._paused:
            return
        if self._out:
            self._deliver(self._out.popleft()[1])
        if self._out or self._eof:
            if not self._out:
                self._deliver_end()
            else:
                self._wake()

    async def _carry_slowly(self) -> None:
        assert self._clock is not None and self._other is not None
        try:
            while (self._out or self._eof) and not self._gone and not self._other._paused:
                if not self._out:
                    await self._clock.sleep(self._latency)
                    self._deliver_end()
                    return
                due, octets = self._out[0]
                if (wait := due - self._clock.monotonic()) > 0:
                    await self._clock.sleep(wait)
                    continue
                self._out.popleft()
                if not self._rate:
                    self._deliver(octets)
                    continue
                for at in range(0, len(octets), self._rate):
                    await self._clock.sleep(1.0)
                    self._deliver(octets[at : at + self._rate])
        finally:
            self._pump = None

    def _deliver(self, octets: bytes) -> None:
        """Give octets to the other end's protocol, up to where the link breaks."""
        other = self._other
        assert other is not None
        if self._gone or other._gone:
            return
        left = len(octets) if self._cut is None else self._cut - self.delivered
        whole = len(octets) <= left
        given = octets if whole else octets[:left]
        self.delivered += len(given)
        self._size -= len(octets)
        if self._asked_to_wait and self._size <= HIGH_WATER // 4:
            self._asked_to_wait = False
            self._protocol.resume_writing()
        if given:
            _feed(other._protocol, given)
        if self._cut is not None and len(octets) >= left:
            self._break()

    def _deliver_end(self) -> None:
        other = self._other
        assert other is not None
        if not other._gone and not other._protocol.eof_received():
            other.close()
        if self._closing:
            self._lost(None)

    def _break(self) -> None:
        """The link is gone for both."""
        error = ConnectionResetError(104, "Connection reset by peer")
        other = self._other
        self._lost(None)
        if other is not None:
            other._lost(error)

    def _lost(self, error: Exception | None) -> None:
        if self._gone:
            return
        self._gone = self._closing = True
        self._out.clear()
        self._size = 0
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, error)


def _feed(protocol: Any, octets: bytes) -> None:
    if not isinstance(protocol, asyncio.BufferedProtocol):
        protocol.data_received(octets)
        return
    while octets:
        buffer = protocol.get_buffer(len(octets))
        taken = min(len(buffer), len(octets))
        buffer[:taken] = octets[:taken]
        protocol.buffer_updated(taken)
        octets = octets[taken:]
