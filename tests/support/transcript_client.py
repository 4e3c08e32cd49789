"""One connection of a transcript: what its C: lines send, what its S: lines are compared with."""

from __future__ import annotations

import asyncio
import codecs
import ssl

_PATIENCE = 60.0  # seconds for one answer


def unescape(text: str) -> bytes:
    """Python's escapes to octets; other characters as UTF-8."""
    octets: bytes = codecs.escape_decode(text.encode())[0]  # type: ignore[attr-defined]
    return octets


def setting(text: str) -> tuple[str, object]:
    """`name=value` of a `set:` line; yes and no are booleans, digits a number."""
    name, _, value = text.partition("=")
    known = {"yes": True, "no": False}
    return name, int(value) if value.isdigit() else known.get(value, value)


class TranscriptClient:
    """Connects at its first use."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.waiting = b""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection, made now if there is none."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            await self.begin()
        return self._reader, self._writer

    async def begin(self) -> None:
        """What a new connection does before the transcript's first line."""

    async def flush(self) -> None:
        """Send what the C: lines gathered."""
        _, writer = await self.connect()
        if self.waiting:
            writer.write(self.waiting)
            self.waiting = b""
            await writer.drain()

    async def line(self) -> str:
        """One answered line; "<closed>" at the end."""
        reader, _ = await self.connect()
        try:
            octets = await asyncio.wait_for(reader.readline(), _PATIENCE)
        except ConnectionError:
            return "<closed>"
        assert not octets or octets.endswith(b"\r\n"), octets
        return octets[:-2].decode("utf-8", "backslashreplace") if octets else "<closed>"

    async def start_tls(self) -> None:
        """The client's side of STARTTLS."""
        _, writer = await self.connect()
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await writer.start_tls(context)

    async def hang_up(self) -> None:
        """Close."""
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None
