"""An IMAP client for tests, over real sockets. It shares only the wire with the server."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass, field
from typing import Any

from pillarbox.imap.wire.framing import Framed, Framer, FramingLimits, Literal

TIMEOUT = 10.0
_ATOM = re.compile(rb"[^\s()\"\[\]]*\[[^\]]*\](?:<[0-9]+>)?|[^\s()\"]+")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_CODE = re.compile(rb"\[([^\]]*)\] ?")


@dataclass
class Untagged:
    """One untagged response: its octets as sent (literals in place) and its values."""

    octets: bytes
    values: list[Any]  # bytes, None for NIL, lists for parentheses

    def __str__(self) -> str:
        return self.octets.decode("utf-8", "replace")


@dataclass
class Answer:
    """A tagged reply with all that came before it."""

    kind: str  # OK, NO, BAD
    code: str  # what stood in brackets, "" for none
    text: str
    untagged: list[Untagged] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.kind == "OK"

    @property
    def lines(self) -> list[str]:
        """The untagged responses as text."""
        return [str(one) for one in self.untagged]

    def named(self, name: str) -> list[list[Any]]:
        """Values of the responses `* NAME …`, without the name."""
        wanted = name.encode().upper()
        return [
            u.values[1:]
            for u in self.untagged
            if u.values and isinstance(u.values[0], bytes) and u.values[0].upper() == wanted
        ]

    def numbered(self, name: str) -> list[int]:
        """The numbers of the responses `* n NAME`, in order: EXISTS, EXPUNGE, RECENT."""
        wanted = name.encode().upper()
        return [int(u.values[0]) for u in self.untagged if u.values[1:2] == [wanted]]

    @property
    def fetched(self) -> dict[int, dict[str, Any]]:
        """Sequence number → items of the FETCH responses, later ones over earlier."""
        found: dict[int, dict[str, Any]] = {}
        for one in self.untagged:
            if one.values[1:2] == [b"FETCH"]:
                flat = one.values[2]
                items = {k.decode(): v for k, v in zip(flat[::2], flat[1::2], strict=True)}
                found.setdefault(int(one.values[0]), {}).update(items)
        return found


class Disconnected(Exception):
    """The server closed the connection."""


class ImapClient:
    """Commands in, answers out; `raw` and `read` for the odd cases."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._framer = Framer(FramingLimits(line=2**26, literal=2**30, command=2**30))
        self._count = 0
        self.greeting = b""
        self.capabilities: set[str] = set()

    @classmethod
    async def connect(
        cls, host: str, port: int, tls: ssl.SSLContext | None = None, *, greet: bool = True
    ) -> ImapClient:
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        client = cls(reader, writer)
        if greet:
            client.greeting = octets_of(await client.read())
        return client

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> ImapClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """After STARTTLS was answered OK."""
        await self._writer.start_tls(context, server_hostname=name)

    async def raw(self, octets: bytes) -> None:
        """Send octets as they are."""
        self._writer.write(octets)
        await self._writer.drain()

    async def read(self, timeout: float = TIMEOUT) -> Framed:
        """The next response of any kind, whole."""
        async with asyncio.timeout(timeout):
            while True:
                event = self._framer.next_event()
                if isinstance(event, Framed):
                    return event
                if event is None:
                    octets = await self._reader.read(65536)
                    if not octets:
                        raise Disconnected
                    self._framer.feed(octets)

    async def command(self, *parts: str | bytes | Literal, timeout: float = TIMEOUT) -> Answer:
        """Send a command and wait for its end; `literal(…)` parts wait for the server's "+"."""
        tag = await self.start(*parts)
        return await self.finish(tag, timeout=timeout)

    async def start(self, *parts: str | bytes | Literal) -> bytes:
        """Send a command without waiting for its end; its tag."""
        self._count += 1
        tag = b"t%d" % self._count
        self._early: list[Untagged] = []
        self._refusal: Answer | None = None
        out = [tag, b" "]
        for part in parts:
            if not isinstance(part, Literal):
                out.append(part.encode() if isinstance(part, str) else part)
                continue
            mark = b"~" if part.binary else b""
            out.append(b"%b{%d}\r\n" % (mark, part.size))
            await self.raw(b"".join(out))
            out = []
            if not await self._go_ahead(tag):
                return tag
            out.append(part.octets)
        await self.raw(b"".join([*out, b"\r\n"]))
        return tag

    async def _go_ahead(self, tag: bytes) -> bool:
        while True:
            framed = await self.read()
            if framed.line.startswith(b"+"):
                return True
            if framed.line.startswith(tag + b" "):
                self._refusal = answer_of(framed, self._early)
                return False
            self._early.append(untagged_of(framed))

    async def finish(self, tag: bytes, *, timeout: float = TIMEOUT) -> Answer:
        """All up to the tagged reply."""
        if self._refusal is not None:
            return self._refusal
        seen = self._early
        while True:
            framed = await self.read(timeout)
            if framed.line.startswith(tag + b" "):
                return answer_of(framed, seen)
            if framed.line.startswith(b"*"):
                seen.append(untagged_of(framed))

    async def continuation(self, timeout: float = TIMEOUT) -> bytes:
        """What stands behind the next "+ "."""
        framed = await self.read(timeout)
        assert framed.line.startswith(b"+"), framed.line
        return framed.line[2:]

    async def untagged(self, timeout: float = TIMEOUT) -> Untagged:
        """The next untagged response (in IDLE, say)."""
        framed = await self.read(timeout)
        assert framed.line.startswith(b"* "), framed.line
        return untagged_of(framed)

    # The usual round

    async def login(self, user: str, password: str) -> Answer:
        return await self.command(f'LOGIN "{user}" "{password}"')

    async def select(self, mailbox: str = "INBOX", more: str = "") -> Answer:
        return await self.command(f'SELECT "{mailbox}"{more}')

    async def append(self, mailbox: str, octets: bytes, flags: str = "") -> Answer:
        between = f"({flags}) " if flags else ""
        return await self.command(f'APPEND "{mailbox}" {between}', literal(octets))


def literal(octets: bytes, *, binary: bool = False) -> Literal:
    """A part of a command that is sent as a synchronizing literal."""
    return Literal(octets, len(octets), binary)


def octets_of(framed: Framed) -> bytes:
    """A response as it was sent, without the last line end."""
    pieces = []
    for segment in framed.segments:
        if isinstance(segment, Literal):
            mark = b"~" if segment.binary else b""
            pieces.append(b"%b{%d}\r\n%b" % (mark, segment.size, segment.octets))
        else:
            pieces.append(segment)
    return b"".join(pieces)


def untagged_of(framed: Framed) -> Untagged:
    return Untagged(octets_of(framed), values_of(framed)[1:])


def answer_of(framed: Framed, untagged: list[Untagged]) -> Answer:
    _, kind, text = ([*framed.line.split(b" ", 2), b""])[:3]
    code = _CODE.match(text)
    return Answer(
        kind.decode(),
        code[1].decode() if code else "",
        text[code.end() :].decode() if code else text.decode(),
        untagged,
    )


def values_of(framed: Framed) -> list[Any]:
    """The response's words, strings and lists; free text becomes words too."""
    stack: list[list[Any]] = [[]]
    for segment in framed.segments:
        if isinstance(segment, Literal):
            stack[-1].append(segment.octets)
        else:
            _read_line(segment, stack)
    return stack[0]


def _read_line(line: bytes, stack: list[list[Any]]) -> None:
    at = 0
    while at < len(line):
        octet = line[at : at + 1]
        quoted = _QUOTED.match(line, at) if octet == b'"' else None
        if octet == b"(":
            stack.append([])
            at += 1
        elif octet == b")" and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif quoted:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", quoted[1]))
            at = quoted.end()
        elif found := _ATOM.match(line, at):
            text = found[0].removesuffix(b"~") if found.end() == len(line) else found[0]
            if text:
                stack[-1].append(None if text.upper() == b"NIL" else text)
            at = found.end()
        else:
            at += 1
