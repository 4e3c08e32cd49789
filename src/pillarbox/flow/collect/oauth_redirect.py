"""Where a browser on this computer comes back to after signing in (RFC 8252 §7.3)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from pillarbox.flow.collect.oauth_messages import Asked
from pillarbox.flow.collect.source import SourceFailure

_MAX_REQUEST = 16_384  # octets of a browser's request line and header
_REQUEST_SECONDS = 10.0  # for a browser on this very computer
_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\r\n"
    b"Done. You can close this window and go back to Pillarbox.\n"
)
_NOT_HERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Redirect:
    """Listens on loopback until the answer to a request came."""

    def __init__(self) -> None:
        self.uri = ""
        self._state = ""
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(self, asked: Asked, seconds: float) -> str:
        """The address to which the browser was sent. Raises SourceFailure when none came."""
        self._state = asked.state
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except TimeoutError as error:
            raise SourceFailure(
                "consent", "Nobody signed in in time. Begin anew when there is time for it."
            ) from error

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a browser; only the answer to our own request counts."""
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("ascii", "replace")
            is_ours = head.startswith(b"GET /") and self._is_answer(target)
            writer.write(_PAGE if is_ours else _NOT_HERE)
            await writer.drain()
            if is_ours and not self._answer.done():
                self._answer.set_result(f"{self.uri.rstrip('/')}{target}")
        except (OSError, TimeoutError, IndexError, EOFError, asyncio.LimitOverrunError):
            pass  # no browser of ours; the next one may be
        finally:
            writer.close()

    def _is_answer(self, target: str) -> bool:
        parts = urlsplit(target)
        try:
            state = parse_qs(parts.query, max_num_fields=50).get("state", [""])[0]
        except ValueError:
            return False
        known = bool(self._state) and hmac.compare_digest(state.encode(), self._state.encode())
        return parts.path == "/" and known


@asynccontextmanager
async def loopback_redirect() -> AsyncIterator[Redirect]:
    """A listener on a free port of 127.0.0.1; `uri` is what the request names."""
    redirect = Redirect()
    server = await asyncio.start_server(redirect.take, "127.0.0.1", 0, limit=_MAX_REQUEST)
    redirect.uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield redirect
    finally:
        server.close()
