"""COMPRESS=DEFLATE on our side: what is in the pipe already, broken streams, and bombs."""

from __future__ import annotations

import asyncio
import zlib
from typing import cast

import pytest

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.responses import Fetched, ServerLiteral
from support.fake_clock import FakeClock
from support.memory_network import MemoryNetwork

LIMITS = ImapClientLimits(
    read_ahead_octets=65_536, max_line_octets=8192, held_literal_octets=4096,
    max_skipped_octets=200_000_000,
)  # fmt: skip


class Compressing(asyncio.Protocol):
    """Says OK to COMPRESS with something compressed right behind it, then answers a FETCH."""

    def __init__(self, at_once: bytes, answer: bytes) -> None:
        self.at_once = at_once
        self.answer = answer
        self.out = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.into: zlib._Decompress | None = None

    def deflated(self, octets: bytes) -> bytes:
        return self.out.compress(octets) + self.out.flush(zlib.Z_SYNC_FLUSH)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] x\r\n")

    def data_received(self, data: bytes) -> None:
        if self.into is None:
            assert data == b"A1 COMPRESS DEFLATE\r\n"
            self.into = zlib.decompressobj(-15)
            rest = self.deflated(self.at_once) if self.at_once else b""
            self.transport.write(b"A1 OK now\r\n" + rest)
            return
        assert self.into.decompress(data).startswith(b"A2 ")
        self.transport.write(self.answer or self.deflated(b"A2 OK x\r\n"))


async def connected(server: Compressing) -> ImapConnection:
    network = MemoryNetwork()
    network.listen("192.0.2.7", 143, lambda: server)
    caller = ImapCaller(clock=FakeClock(), connector=network.connector(), limits=LIMITS)
    connection = await ImapConnection.open(caller, "192.0.2.7", 143)
    assert await connection.compress()
    return connection


def test_octets_right_behind_the_go_ahead() -> None:
    async def run() -> None:
        connection = await connected(Compressing(b"* OK [ALERT] hello\r\n", b""))
        await connection.noop()
        assert connection.alerts == ("hello",)

    asyncio.run(run())


def test_a_broken_stream() -> None:
    async def run() -> None:
        connection = await connected(Compressing(b"", b"\xff\xfe\xfd no deflate"))
        with pytest.raises(ImapFailure, match="compressed cannot be read"):
            await connection.noop()

    asyncio.run(run())


@pytest.mark.parametrize("megabytes", [1, 100])
def test_little_that_becomes_much_waits_until_it_is_wanted(megabytes: int) -> None:
    """100 MB of one octet fit in some 100 KB; at no time are more than two pieces here."""

    async def run() -> None:
        size = megabytes * 1_000_000
        server = Compressing(b"", b"")
        server.answer = server.deflated(
            b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\nA2 OK x\r\n" % (size, b"z" * size)
        )
        connection = await connected(server)
        most = 0

        class Sink:
            def write(self, chunk: bytes) -> None:
                nonlocal most
                most = max(most, len(chunk))

            def discard(self) -> None:
                raise AssertionError

        stream = connection.fetch([b"1"], b"(BODY.PEEK[])", divert=lambda line, size: Sink())
        found = [one async for one in stream]
        assert isinstance(found[0], Fetched)
        assert isinstance(found[0].body, ServerLiteral)
        assert found[0].body.size == size
        assert most <= 65_536 * 3
        connection.close()

    asyncio.run(run())
