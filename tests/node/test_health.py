"""The HTTP listener of a worker, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from pillarbox.config.limits import LimitSettings
from pillarbox.node.health import HealthServer, Readiness


async def ask(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 60)
    writer.close()
    return answer


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


def with_server(test, **limits: int) -> None:
    async def main() -> None:
        readiness = Readiness()
        server = HealthServer(readiness, LimitSettings(**limits))
        bound = socket.create_server(("127.0.0.1", 0))
        await server.start([bound])
        await asyncio.sleep(0.1)
        try:
            await test(bound.getsockname()[1], readiness)
        finally:
            await asyncio.wait_for(server.stop(), 60)

    asyncio.run(main())


def test_readiness_follows_the_worker():
    async def test(port: int, readiness: Readiness) -> None:
        assert b" 503 " in await ask(port, get("/readyz"))
        readiness.ready = True
        assert b" 200 " in await ask(port, get("/readyz"))
        assert b" 200 " in await ask(port, get("/healthz"))
        assert b" 200 " in await ask(port, get("/metrics"))

    with_server(test)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (get("/"), b"404"),
        (get("/healthz").replace(b"GET", b"POST"), b"405"),
        (b"\x16\x03\x01\x00\x00\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * (2 * LimitSettings().http_head_octets), b"400"),
    ],
)
def test_what_it_does_not_know(octets, status):
    async def test(port: int, _readiness: Readiness) -> None:
        assert status in await ask(port, octets)

    with_server(test)


def test_more_connections_than_allowed_get_503():
    async def test(port: int, _readiness: Readiness) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert b" 503 " in await ask(port, get("/healthz"))
        for _, writer in held:
            writer.close()

    with_server(test, http_connections=3)


@pytest.mark.timed
def test_a_silent_connection_is_closed():
    async def test(port: int, _readiness: Readiness) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/healthz").replace(b"Connection: close\r\n", b""))
        start = time.monotonic()
        assert b"200" in await asyncio.wait_for(reader.readline(), 60)
        await asyncio.wait_for(reader.read(), 60)
        assert 0.5 < time.monotonic() - start < 8  # the drops would go on for ten
        writer.close()

    with_server(test, http_idle_seconds=1)


async def drip(writer: asyncio.StreamWriter, octets: bytes) -> None:
    """An octet every tenth of a second, as long as the other side listens."""
    with contextlib.suppress(ConnectionError):
        for octet in octets:
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0.1)


SLOW = {
    "silent": (b"", b""),
    "half a line": (b"GET /hea", b""),
    "half a head": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b""),
    "a dripping head": (b"GET /healthz HTTP/1.1\r\n", b"X: " + b"a" * 100),
    "a dripping head, the second": (
        get("/healthz").replace(b"Connection: close\r\n", b"") + b"GET /he",
        b"a" * 100,
    ),
    "a dripping body": (
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n",
        b"a" * 100,
    ),
}


@pytest.mark.timed
@pytest.mark.parametrize("kind", SLOW)
def test_a_request_that_does_not_end(kind):
    """Silent or dripping: it is cut off in time."""
    first, slowly = SLOW[kind]

    async def test(port: int, _readiness: Readiness) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        start = time.monotonic()
        writer.write(first)
        dripping = asyncio.create_task(drip(writer, slowly))
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 60)
        assert 0.5 < time.monotonic() - start < 8  # the drops would go on for ten
        dripping.cancel()
        writer.close()

    with_server(test, http_request_seconds=1)


@pytest.mark.timed
def test_an_answer_that_nobody_takes(monkeypatch):
    monkeypatch.setattr("pillarbox.node.health.exposition", lambda: b"x" * 50_000_000)

    async def test(port: int, _readiness: Readiness) -> None:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(get("/metrics"))
            await asyncio.sleep(2)
            got = 0
            with contextlib.suppress(ConnectionError):
                while octets := await asyncio.to_thread(peer.recv, 1_000_000):
                    got += len(octets)
            assert got < 50_000_000

    with_server(test, http_request_seconds=1)


@pytest.mark.timed
def test_requests_that_come_in_time_are_all_answered():
    async def test(port: int, _readiness: Readiness) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        kept = get("/healthz").replace(b"Connection: close\r\n", b"")
        for _ in range(5):  # together longer than the deadline of one
            writer.write(kept * 2)
            for _ in range(2):
                assert await asyncio.wait_for(reader.readuntil(b"ok\n"), 60)
            await asyncio.sleep(0.4)
        writer.close()

    with_server(test, http_request_seconds=1)
