"""The door on loopback sockets: slow and greedy peers, limits, TLS, its end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pillarbox.clock import SystemClock
from pillarbox.config.web import WebSettings
from pillarbox.net.gate import TlsGate
from pillarbox.net.limits import ConnectionLimiter
from pillarbox.net.listener import Listener, Security
from pillarbox.net.tls import TlsContexts
from pillarbox.web.application import make_application
from pillarbox.web.server import WebServer
from support.listening import tls_contexts

HEAD = "{} HTTP/1.1\r\nHost: localhost\r\n"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
Test = Callable[["Rig"], Awaitable[None]]


class Rig:
    """A running door and ways to speak to it."""

    def __init__(self, server: WebServer, port: int) -> None:
        self.server = server
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def rest(self, reader: asyncio.StreamReader) -> tuple[bytes, float]:
        """All octets until the end, and how long that took."""
        began = time.monotonic()
        octets = b""
        with contextlib.suppress(ConnectionError):
            while more := await asyncio.wait_for(reader.read(65536), 60):
                octets += more
        return octets, time.monotonic() - began


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def count(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return PlainTextResponse(str(size))


async def refuse(_request: Request) -> Response:
    return PlainTextResponse("no", 413)


async def slow(_request: Request) -> Response:
    await asyncio.sleep(2)
    return PlainTextResponse("done")


async def large(_request: Request) -> Response:
    return PlainTextResponse(b"x" * 50_000_000)


class Stream:
    """An answer that goes on until it is ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def answer(self, _request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"begun"
            await self.ended.wait()

        return StreamingResponse(pieces())


def run(
    test: Test,
    *,
    loop: str = "uvloop",
    limit: int = 100,
    tls: TlsContexts | None = None,
    security: Security = Security.NONE,
    linger: float = 1,
    **settings: Any,
) -> None:
    async def main() -> None:
        stream = Stream()
        application = make_application(
            [
                Route("/hello", hello),
                Route("/count", count, methods=["POST"]),
                Route("/refuse", refuse, methods=["POST"]),
                Route("/slow", slow),
                Route("/large", large),
                Route("/stream", stream.answer),
            ],
            clock=SystemClock(),
            settings=WebSettings(),
            hosts=(),
            is_certified=lambda name: False,
        )
        server = WebServer(
            application,
            WebSettings(**({"request_seconds": 1, "answer_seconds": 1} | settings)),
            admit=ConnectionLimiter(limit, limit).admit,
            tls=tls,
            clock=SystemClock(),
            end_streams=stream.ended.set,
        )
        server.linger_seconds = linger
        listener = Listener("https", "web", security)

        def made() -> asyncio.Protocol:
            if security is Security.IMPLICIT:
                return TlsGate(server, lambda: server.connection(listener))
            return server.connection(listener)

        listening = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        try:
            await test(Rig(server, listening.sockets[0].getsockname()[1]))
        finally:
            listening.close()
            await asyncio.wait_for(server.drain(1), 60)
            assert not server.connections

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


async def drip(writer: asyncio.StreamWriter, octets: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for at in range(len(octets)):
            writer.write(octets[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0.05)


SLOW = {
    "silent": (b"", b""),
    "half a head": (HEAD.format("GET /hello").encode(), b""),
    "a dripping head": (HEAD.format("GET /hello").encode(), b"X: " + b"a" * 200),
    "half a body": (HEAD.format("POST /count").encode() + b"Content-Length: 99\r\n\r\nabc", b""),
    "a dripping body": (
        HEAD.format("POST /count").encode() + b"Content-Length: 999\r\n\r\n",
        b"a" * 200,
    ),
    "dripping chunks": (
        HEAD.format("POST /count").encode() + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n" * 60,
    ),
    "a body behind a refusal": (
        HEAD.format("POST /refuse").encode() + b"Content-Length: 999\r\n\r\n",
        b"a" * 200,
    ),
    "the second head": (
        HEAD.format("GET /hello").encode() + b"\r\n" + b"GET /hel",
        b"a" * 200,
    ),
}


@pytest.mark.timed
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kind", SLOW)
def test_who_does_not_end_is_cut_off(kind: str, loop: str) -> None:
    first, slowly = SLOW[kind]

    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(first)
        dripping = asyncio.create_task(drip(writer, slowly))
        _, seconds = await rig.rest(reader)
        assert 0.7 < seconds < 8  # the slowest of them would go on for ten
        dripping.cancel()
        writer.close()

    run(test, loop=loop)


@pytest.mark.timed
def test_a_long_body_has_more_time() -> None:
    """Slower than the seconds of a request, and faster than the least speed."""

    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(HEAD.format("POST /count").encode() + b"Content-Length: 300000\r\n\r\n")
        for _ in range(30):
            writer.write(b"a" * 10_000)
            await asyncio.sleep(0.07)
        assert b"300000" in await asyncio.wait_for(reader.readuntil(b"300000"), 60)
        writer.close()

    run(test, least_octets_per_second=50_000)


@pytest.mark.timed
def test_an_answer_that_takes_us_long_is_not_the_peers_fault() -> None:
    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(HEAD.format("GET /slow").encode() + b"\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"done"), 60)
        writer.close()

    run(test)


@pytest.mark.timed
def test_an_answer_that_nobody_takes() -> None:
    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(HEAD.format("GET /large").encode() + b"\r\n")
        await asyncio.sleep(2.5)
        octets, _ = await rig.rest(reader)
        assert len(octets) < 50_000_000
        assert not rig.server.connections
        writer.close()

    run(test, least_octets_per_second=1 << 30)


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x00\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        HEAD.format("POST /count").encode() + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        HEAD.format("POST /count").encode() + b"Transfer-Encoding: gzip\r\n\r\nab",
        HEAD.format("POST /count").encode() + b"Content-Length: -1\r\n\r\n",
        b"GET http://localhost\x00/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD.format("GET /hello").encode() + b"X : y\r\n\r\n",
    ],
    ids=range(10),
)
def test_what_is_no_http_is_refused_and_shut(octets: bytes) -> None:
    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(octets)
        found, _ = await rig.rest(reader)
        assert found.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501"))
        assert b"content-security-policy: default-src 'none'" in found
        assert b"x-content-type-options: nosniff" in found
        writer.close()

    run(test, idle_seconds=1)


def test_a_head_that_comes_in_one_piece_has_a_limit() -> None:
    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(HEAD.format("GET /hello").encode() + b"X: " + b"a" * 50_000 + b"\r\n\r\n")
        found = await asyncio.wait_for(reader.readline(), 60)
        assert found.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        writer.close()

    run(test)


def test_smuggling_two_lengths_is_one_request() -> None:
    """Transfer-Encoding beside Content-Length: refused, or the body is chunked (RFC 9112)."""

    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(
            HEAD.format("POST /count").encode()
            + b"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"0\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        await asyncio.sleep(0.3)
        writer.write_eof()
        found, _ = await rig.rest(reader)
        first = found.partition(b"\r\n")[0]
        assert b"400" in first or found.count(b"HTTP/1.1 200") == 2
        writer.close()

    run(test)


@pytest.mark.timed
def test_requests_one_after_the_other_and_pipelined() -> None:
    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        for _ in range(4):  # together longer than one may take
            writer.write((HEAD.format("GET /hello").encode() + b"\r\n") * 3)
            for _ in range(3):
                assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\nhello"), 60)
            await asyncio.sleep(0.4)
        writer.close()

    run(test)


@pytest.mark.timed
def test_an_idle_connection_is_closed() -> None:
    async def test(rig: Rig) -> None:
        reader, writer = await rig.connect()
        writer.write(HEAD.format("GET /hello").encode() + b"\r\n")
        octets, seconds = await rig.rest(reader)
        assert octets.endswith(b"hello")
        assert 0.7 < seconds < 3
        writer.close()

    run(test, idle_seconds=1)


def test_no_place_is_told_and_given_back() -> None:
    async def test(rig: Rig) -> None:
        held = [await rig.connect() for _ in range(2)]
        await asyncio.sleep(0.1)
        reader, writer = await rig.connect()
        octets, _ = await rig.rest(reader)
        assert octets.startswith(b"HTTP/1.1 503")
        assert b"nosniff" in octets
        writer.close()
        for _, one in held:
            one.close()
        await asyncio.sleep(0.2)
        reader, writer = await rig.connect()
        writer.write(HEAD.format("GET /hello").encode() + b"\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"hello"), 60)
        writer.close()

    run(test, limit=2)


@pytest.mark.timed
@pytest.mark.parametrize("loop", LOOPS)
def test_tls_and_its_limits(tmp_path: Path, loop: str) -> None:
    tls = tls_contexts(tmp_path, handshake_seconds=1)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def test(rig: Rig) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, ssl=context)
        writer.write(HEAD.format("GET /hello").encode() + b"\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"hello"), 60)
        _, silent = await rig.connect()  # never begins its handshake
        await asyncio.sleep(0.1)
        over, late = await rig.connect()
        assert (await rig.rest(over))[0] == b""
        await asyncio.sleep(1.2)
        again, fresh = await asyncio.open_connection("127.0.0.1", rig.port, ssl=context)
        fresh.write(HEAD.format("GET /hello").encode() + b"\r\n")
        assert await asyncio.wait_for(again.readuntil(b"hello"), 60)
        for one in (writer, silent, late, fresh):
            one.close()

    run(test, loop=loop, tls=tls, security=Security.IMPLICIT, limit=2)


@pytest.mark.timed
def test_retiring_sends_the_waiting_away_and_lets_answers_end() -> None:
    async def test(rig: Rig) -> None:
        idle, first = await rig.connect()
        first.write(HEAD.format("GET /hello").encode() + b"\r\n")
        assert await asyncio.wait_for(idle.readuntil(b"hello"), 60)
        waiting, second = await rig.connect()
        second.write(HEAD.format("GET /stream").encode() + b"\r\n")
        assert await asyncio.wait_for(waiting.readuntil(b"begun"), 60)
        busy, third = await rig.connect()
        third.write(HEAD.format("GET /slow").encode() + b"\r\n")
        await asyncio.sleep(0.2)
        rig.server.retire()
        assert (await rig.rest(idle))[1] < 1
        assert (await rig.rest(waiting))[0].endswith(b"0\r\n\r\n")
        assert (await rig.rest(busy))[0].endswith(b"done")
        for one in (first, second, third):
            one.close()

    run(test)
