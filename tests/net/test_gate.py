"""Implicit TLS: a place under the limits, then the handshake, then the connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from pillarbox.clock import SystemClock
from pillarbox.net.door import Door
from pillarbox.net.gate import TlsGate
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.listener import Security
from pillarbox.net.peer import PeerConnection
from pillarbox.net.tls import TlsContexts
from support.listening import tls_contexts

LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


class Recorder(PeerConnection):
    """Writes down what it is told."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, Security.IMPLICIT)
        self.events: list[object] = []

    def connected(self) -> None:
        self.events.append("connected")

    def octets_arrived(self, octets: bytes) -> None:
        self.events.append(octets)

    def gone(self) -> None:
        self.events.append("gone")


class Listening:
    """A listener with a gate on loopback, and the connections that came through it."""

    def __init__(self, tls: TlsContexts, per_address: int = 99) -> None:
        self.limiter = ConnectionLimiter(99, per_address)
        self.door = Door(self.limiter.admit, tls, SystemClock())
        self.made: list[Recorder] = []
        self.accepted = 0

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._gate, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()

    def _gate(self) -> TlsGate:
        self.accepted += 1
        return TlsGate(self.door, self._connection)

    def _connection(self) -> Recorder:
        self.made.append(Recorder(self.door))
        return self.made[-1]

    @property
    def begun(self) -> list[Recorder]:
        return [one for one in self.made if one.events]


def run(loop: MakeLoop, test: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await test()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


def shake_hands(port: int) -> socket.socket:
    """A client's handshake; its end is held back and sent with the first command."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(65536))
    tls.write(b"first")
    plain.sendall(outgoing.read())
    return plain


@LOOPS
def test_a_place_comes_before_the_handshake(tmp_path: Path, loop: MakeLoop) -> None:
    listening = Listening(tls_contexts(tmp_path), per_address=2)

    async def test() -> None:
        port = await listening.start()
        silent = socket.create_connection(("127.0.0.1", port))
        await until(lambda: listening.limiter.total == 1)
        spoken = await asyncio.to_thread(shake_hands, port)
        await until(lambda: bool(listening.begun) and b"first" in listening.begun[0].events)
        (begun,) = listening.begun
        assert begun.tls is not None
        assert begun.peer == "127.0.0.1"
        with socket.create_connection(("127.0.0.1", port), timeout=60) as third:
            assert await asyncio.to_thread(third.recv, 10) == b""  # at once, without a handshake
        silent.close()
        spoken.close()
        await until(lambda: listening.limiter.total == 0)
        assert begun.events == ["connected", b"first", "gone"]
        assert listening.begun == [begun]
        listening.close()

    run(loop, test)


@LOOPS
@pytest.mark.parametrize("octets", [b"", b"\x16\x03", b"EHLO example.org\r\n"])
def test_a_handshake_that_comes_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: MakeLoop, octets: bytes
) -> None:
    """Silence, half a record, another protocol: closed in time, the place is given back."""
    monkeypatch.setattr(TlsContexts, "handshake_seconds", 0.3)
    listening = Listening(tls_contexts(tmp_path))

    async def test() -> None:
        port = await listening.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 60)
        await until(lambda: listening.limiter.total == 0)
        assert listening.begun == []
        writer.close()
        listening.close()

    run(loop, test)


@LOOPS
def test_peers_that_leave_within_the_handshake(tmp_path: Path, loop: MakeLoop) -> None:
    listening = Listening(tls_contexts(tmp_path))

    async def test() -> None:
        port = await listening.start()
        for number in range(20):
            with socket.create_connection(("127.0.0.1", port)) as peer:
                peer.sendall(b"\x16\x03\x01"[: number % 4])
                if number % 2:  # a reset
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await until(lambda: listening.accepted == 20 and listening.limiter.total == 0)
        assert listening.begun == []
        listening.close()

    run(loop, test)


@LOOPS
def test_octets_that_are_there_before_the_gate_looks(tmp_path: Path, loop: MakeLoop) -> None:
    """The ClientHello of a quick peer is read by TLS, not by the gate."""
    listening = Listening(tls_contexts(tmp_path))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    hello = outgoing.read()

    async def test() -> None:
        port = await listening.start()
        peers = []
        for _ in range(30):  # the loop gets no turn between: all wait, with their octets
            peers.append(socket.create_connection(("127.0.0.1", port), timeout=60))
            peers[-1].sendall(hello)
        for peer in peers:
            assert (await asyncio.to_thread(peer.recv, 3))[:1] == b"\x16"  # a ServerHello
            peer.close()
        listening.close()

    run(loop, test)


@LOOPS
def test_who_stops_waits_for_no_handshake(tmp_path: Path, loop: MakeLoop) -> None:
    listening = Listening(tls_contexts(tmp_path))

    async def test() -> None:
        port = await listening.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: bool(listening.door.handshakes))
        listening.close()
        await listening.door.drain(5)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 60) == b""
        assert listening.limiter.total == 0
        writer.close()

    run(loop, test)
