"""A client that costs little: one request after the other, answers searched for their end only."""

from __future__ import annotations

import asyncio
import re

_PATIENCE = 60.0  # seconds for one answer
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)


class HttpPeer(asyncio.Protocol):
    """One connection that is kept."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._waiter: asyncio.Future[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def connect(cls, host: str, port: int) -> HttpPeer:
        """Connect."""
        _, peer = await asyncio.get_running_loop().create_connection(cls, host, port)
        return peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._waiter is not None and not self._waiter.done() and self._is_whole():
            self._waiter.set_result(bytes(self._received))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("the server hung up"))

    async def ask(self, request: bytes) -> bytes:
        """The whole answer, head and body as they came; its status must be 200."""
        assert self._transport is not None
        self._received.clear()
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await asyncio.wait_for(self._waiter, _PATIENCE)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{request[:100]!r}: {answer[:400]!r}")
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _is_whole(self) -> bool:
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return False
        length = _LENGTH.search(self._received, 0, head)
        if length is not None:
            return len(self._received) >= head + 4 + int(length[1])
        if _CHUNKED.search(self._received, 0, head):
            return self._received.endswith(b"0\r\n\r\n")
        return True
