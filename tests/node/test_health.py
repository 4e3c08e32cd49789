"""The HTTP listener of a worker, in this process."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from pillarbox.config.limits import LimitSettings
from pillarbox.node.health import HealthServer, Readiness


async def ask(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
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
            await asyncio.wait_for(server.stop(), 5)

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


def test_a_silent_connection_is_closed():
    async def test(port: int, _readiness: Readiness) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/healthz").replace(b"Connection: close\r\n", b""))
        start = time.monotonic()
        assert b"200" in await asyncio.wait_for(reader.readline(), 5)
        await asyncio.wait_for(reader.read(), 5)
        assert 0.5 < time.monotonic() - start < 4
        writer.close()

    with_server(test, http_idle_seconds=1)
