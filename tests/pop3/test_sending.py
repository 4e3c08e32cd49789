"""RETR to clients that know no UTF-8 headers, wherever the header ends."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.pop3.server.sending import NeedsUtf8, send_message
from pillarbox.pop3.wire.surrogate import surrogate_header
from pillarbox.store.blobs.content import Content

TRACE = b"Return-Path: <bob@example.org>\r\n"
BODY = "\r\ngrüße\r\n".encode()


class _Wire:
    def __init__(self) -> None:
        self.sent = b""

    def send(self, octets: bytes) -> None:
        self.sent += octets

    async def room(self) -> bool:
        return True


class _Message:
    """A message in two pieces, as the store gives it."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.size = len(TRACE) + len(octets)

    async def pieces(self, start: int, end: int) -> list[bytes]:
        assert start == 0
        assert end >= self.size
        return [TRACE, self._octets]


def _sent(octets: bytes, non_ascii: str) -> bytes:
    wire = _Wire()
    message: Content = _Message(octets)  # type: ignore[assignment]
    asyncio.run(send_message(wire, message, b"+OK\r\n", lines=None, non_ascii=non_ascii))
    return wire.sent


@pytest.mark.parametrize("padding", [0, 8000, *range(8130, 8200, 3), 20_000])
def test_only_headers_that_are_not_ascii_are_changed(padding: int) -> None:
    filler = b"X-Filler: " + b"x" * padding + b"\r\n"
    plain = filler + b"Subject: greetings\r\n" + BODY
    assert _sent(plain, "surrogate") == b"+OK\r\n" + TRACE + plain + b".\r\n"
    assert _sent(plain, "refuse") == b"+OK\r\n" + TRACE + plain + b".\r\n"
    header = TRACE + filler + "Subject: Grüße\r\n".encode()
    other = header[len(TRACE) :] + BODY
    with pytest.raises(NeedsUtf8):
        _sent(other, "refuse")
    expected = surrogate_header(header + b"\r\n") + BODY[2:]
    assert _sent(other, "surrogate") == b"+OK\r\n" + expected + b".\r\n"
    assert _sent(other, "as-is") == b"+OK\r\n" + TRACE + other + b".\r\n"
