"""SMTP, LMTP and POP3 as a test speaks them: a line out, a reply in, nothing hidden."""

from __future__ import annotations

import asyncio
import contextlib

WAIT = 30.0


class Refused(Exception):
    """The reply was not the one that the test wanted."""


class LineClient:
    """A connection with CRLF lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, host: str, port: int) -> LineClient:
        """Connect; the greeting is still to be read."""
        return cls(*await asyncio.open_connection(host, port))

    async def line(self) -> bytes:
        """The next line without its CRLF; ConnectionResetError at the end of the stream."""
        async with asyncio.timeout(WAIT):
            line = await self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        return line[:-2]

    async def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self._writer.write(octets)
        await self._writer.drain()

    async def close(self) -> None:
        """Hang up without a word."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def smtp_reply(self) -> tuple[int, bytes]:
        """A whole reply: its code and its last line. Raises ConnectionAbortedError for 421."""
        while True:
            line = await self.line()
            if line.startswith(b"421"):  # RFC 5321 §3.8: the connection ends
                raise ConnectionAbortedError(line.decode(errors="replace"))
            if line[3:4] != b"-":
                return int(line[:3]), line[4:]

    async def smtp(self, command: bytes, wanted: int) -> bytes:
        """A command and its reply, which must have the code."""
        await self.send(command + b"\r\n")
        code, text = await self.smtp_reply()
        if code != wanted:
            raise Refused(f"{command!r}: {code} {text!r}")
        return text

    async def pop3(self, command: bytes) -> bytes:
        """A command and its status line, which must be +OK."""
        await self.send(command + b"\r\n")
        line = await self.line()
        if not line.startswith(b"+OK"):
            raise Refused(f"{command!r}: {line!r}")
        return line


async def smtp_connect(host: str, port: int, *, lmtp: bool = False) -> LineClient:
    """Connected and greeted."""
    client = await LineClient.connect(host, port)
    code, text = await client.smtp_reply()
    if code != 220:
        raise Refused(f"greeting: {code} {text!r}")
    await client.smtp(b"LHLO load.example.net" if lmtp else b"EHLO load.example.net", 250)
    return client


async def smtp_send(client: LineClient, people: list[str], message: bytes) -> None:
    """One transaction; returns when the final 250 is there."""
    await client.smtp(b"MAIL FROM:<load@example.net>", 250)
    for person in people:
        await client.smtp(b"RCPT TO:<" + person.encode() + b">", 250)
    await client.smtp(b"DATA", 354)
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    await client.send(stuffed + b".\r\n")
    code, text = await client.smtp_reply()
    if code != 250:
        raise Refused(f"end of data: {code} {text!r}")


async def pop3_connect(host: str, port: int, login: str, password: str) -> LineClient:
    """Connected and signed in."""
    client = await LineClient.connect(host, port)
    greeting = await client.line()
    if not greeting.startswith(b"+OK"):
        raise Refused(repr(greeting))
    await client.pop3(b"USER " + login.encode())
    await client.pop3(b"PASS " + password.encode())
    return client
