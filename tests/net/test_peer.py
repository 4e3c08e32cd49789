"""The connection under every protocol."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.clock import SystemClock
from pillarbox.net.door import Door
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.listener import Security
from pillarbox.net.peer import PeerConnection
from pillarbox.net.tls import TlsContexts
from support.listening import tls_contexts


class Recorder(PeerConnection):
    """Writes down what it is told."""

    def __init__(self, limiter: ConnectionLimiter, tls: TlsContexts | None = None) -> None:
        self.door = Door(limiter.admit, tls, SystemClock())
        super().__init__(self.door, Security.STARTTLS)
        self.events: list[object] = []
        self.session = "plain"

    def connected(self) -> None:
        self.events.append("connected")

    def refused(self) -> bytes:
        return b"full"

    def octets_arrived(self, octets: bytes) -> None:
        self.events.append((self.session, octets))
        if octets == b"STARTTLS":
            self.task = asyncio.ensure_future(self.begin_tls())

    async def begin_tls(self) -> None:
        if await self.start_tls(b"go"):
            self.session = "tls"

    def deadline_passed(self) -> None:
        self.events.append("late")
        super().deadline_passed()

    def gone(self) -> None:
        self.events.append("gone")


def run(loop: str, test: Callable[[], Awaitable[None]]) -> None:
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop

    async def whole() -> None:
        await test()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(whole())


async def serve(
    limiter: ConnectionLimiter, tls: TlsContexts | None = None, host: str = "127.0.0.1"
) -> tuple[asyncio.Server, int, list[Recorder]]:
    made: list[Recorder] = []

    def make() -> Recorder:
        made.append(Recorder(limiter, tls))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(make, host, 0)
    return server, server.sockets[0].getsockname()[1], made


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


@LOOPS
def test_places_are_given_and_given_back(loop: str) -> None:
    limiter = ConnectionLimiter(1, 1)

    async def test() -> None:
        server, port, made = await serve(limiter)
        _, first = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: limiter.total == 1)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"full"
        first.close()
        await until(lambda: limiter.total == 0)
        assert made[0].events == ["connected", "gone"]
        assert made[1].events == []
        assert (made[0].peer, made[0].is_loopback, made[0].is_secure) == ("127.0.0.1", True, True)
        second.close()
        server.close()

    run(loop, test)


@LOOPS
def test_a_deadline_moves(loop: str) -> None:
    async def test() -> None:
        server, port, made = await serve(ConnectionLimiter(9, 9))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: bool(made))
        began = asyncio.get_running_loop().time()
        made[0].set_deadline(0.02)
        made[0].set_deadline(0.2)
        assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - began > 0.15
        assert made[0].events.count("late") == 1
        writer.close()
        server.close()

    run(loop, test)


@LOOPS
def test_who_does_not_take_the_last_answer_is_cut_off(loop: str) -> None:
    async def test() -> None:
        limiter = ConnectionLimiter(9, 9)
        server, port, made = await serve(limiter)
        with socket.create_connection(("127.0.0.1", port)):
            await until(lambda: bool(made) and made[0].peer != "")
            made[0].door.linger_seconds = 0.1
            made[0].write(b"x" * 20_000_000)
            made[0].close()
            made[0].set_deadline(1000)  # comes too late
            await until(lambda: made[0].closed)
            assert made[0].events == ["connected", "gone"]
            assert limiter.total == 0
        server.close()

    run(loop, test)


@LOOPS
def test_the_first_command_may_come_with_the_handshake(tmp_path: Path, loop: str) -> None:
    """It is heard by the session that follows the handshake, not by the one before it."""
    contexts = tls_contexts(tmp_path)

    def client(port: int) -> bytes:
        """Holds the end of its handshake back and sends it with the command."""
        plain = socket.create_connection(("127.0.0.1", port))
        plain.sendall(b"STARTTLS")
        assert plain.recv(2) == b"go"
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
        return b"sent"

    async def test() -> None:
        server, port, made = await serve(ConnectionLimiter(9, 9), contexts)
        assert await asyncio.to_thread(client, port) == b"sent"
        await until(lambda: ("tls", b"first") in made[0].events)
        assert made[0].events[:2] == ["connected", ("plain", b"STARTTLS")]
        server.close()

    run(loop, test)


@LOOPS
def test_unix_sockets_are_local(tmp_path: Path, loop: str) -> None:
    async def test() -> None:
        made: list[Recorder] = []

        def make() -> Recorder:
            made.append(Recorder(ConnectionLimiter(9, 9)))
            return made[-1]

        path = str(tmp_path / "s")
        server = await asyncio.get_running_loop().create_unix_server(make, path)
        _, writer = await asyncio.open_unix_connection(path)
        await until(lambda: bool(made) and made[0].peer != "")
        assert (made[0].peer, made[0].is_secure) == ("local", True)
        writer.close()
        server.close()

    run(loop, test)


def test_ipv4_peers_of_double_sockets() -> None:
    async def test() -> None:
        try:
            double = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError:
            pytest.skip("no IPv6 here")
        made: list[Recorder] = []

        def make() -> Recorder:
            made.append(Recorder(ConnectionLimiter(9, 9)))
            return made[-1]

        server = await asyncio.get_running_loop().create_server(make, sock=double)
        _, writer = await asyncio.open_connection("127.0.0.1", double.getsockname()[1])
        await until(lambda: bool(made) and made[0].peer != "")
        assert (made[0].peer, made[0].is_loopback) == ("127.0.0.1", True)
        writer.close()
        server.close()

    run("asyncio", test)
