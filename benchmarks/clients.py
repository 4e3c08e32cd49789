"""Clients that cost little: they look only for the end of an answer."""

from __future__ import annotations

import asyncio
from typing import TypeVar

P = TypeVar("P", bound="Peer")

PATIENCE = 600.0  # seconds for one answer: some of the references need minutes
_KEPT = 2**16


class Peer(asyncio.Protocol):
    """Octets in, and a future that is done when `_complete` says so."""

    def __init__(self) -> None:
        self.tail = b""
        self.received = 0
        self.kept: list[bytes] | None = None
        self._waiter: asyncio.Future[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._lost: Exception | None = None

    @classmethod
    async def connect(cls: type[P], host: str, port: int) -> P:
        """Connect and take the greeting."""
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_connection(cls, host, port)
        await peer.answer()
        return peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.kept is not None:
            self.kept.append(data)
        self.tail = (self.tail + data)[-_KEPT:] if len(data) < _KEPT else data[-_KEPT:]
        if self._waiter is not None and self._complete():
            self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc or ConnectionResetError("the server hung up")
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._lost)

    def write(self, octets: bytes) -> None:
        """Send without waiting."""
        if self._transport is None or self._lost:
            raise self._lost or ConnectionError("not connected")
        self._transport.write(octets)

    async def answer(self) -> bytes:
        """The end of the next answer: its last lines, at most 64 KiB."""
        if self._lost:
            raise self._lost
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        if self._complete():
            self._done()
        return await asyncio.wait_for(waiter, PATIENCE)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _done(self) -> None:
        assert self._waiter is not None
        waiter, self._waiter = self._waiter, None
        answer, self.tail = self.tail, b""
        if not waiter.done():
            waiter.set_result(answer)

    def _last_line(self) -> bytes:
        if not self.tail.endswith(b"\r\n"):
            return b""
        before = self.tail.rfind(b"\r\n", 0, -2)
        return self.tail[before + 2 :] if before >= 0 else self.tail

    def _complete(self) -> bool:
        raise NotImplementedError


class SmtpPeer(Peer):
    """SMTP with pipelining of the envelope, as sending servers do it."""

    _replies = 1

    def _complete(self) -> bool:
        return self.tail.endswith(b"\r\n") and self._final_lines() >= self._replies

    def _final_lines(self) -> int:
        return sum(line[3:4] == b" " for line in self.tail.split(b"\r\n"))

    async def say(self, octets: bytes, code: bytes, replies: int = 1) -> None:
        """Send commands; all replies must begin like the code's first digit, the last be it."""
        self._replies = replies
        self.write(octets)
        answer = await self.answer()
        lines = [line for line in answer.split(b"\r\n") if line[3:4] == b" "]
        if not lines[-1].startswith(code) or any(line[:1] not in b"23" for line in lines):
            raise RuntimeError(f"{octets[:60]!r}: {answer!r}")

    async def send(
        self, people: list[bytes], message: bytes, sender: bytes = b"load@sender.example"
    ) -> None:
        """One transaction; `message` is dot-stuffed already and ends in CRLF."""
        rcpt = b"".join(b"RCPT TO:<%b>\r\n" % person for person in people)
        envelope = b"MAIL FROM:<%b>\r\n%bDATA\r\n" % (sender, rcpt)
        await self.say(envelope, b"354", 2 + len(people))
        await self.say(message + b".\r\n", b"250")


class ImapPeer(Peer):
    """IMAP, one command at a time; big answers pass by unread."""

    _tag = b"*"
    _count = 0

    def _complete(self) -> bool:
        return self._last_line().startswith((self._tag + b" ", b"+ "))

    async def command(self, octets: bytes, *, keep: bool = False) -> bytes:
        """Send a command (without tag and CRLF); it must end in OK. The end of the answer."""
        self._count += 1
        self._tag = b"zq%d" % self._count
        self.kept = [] if keep else None
        self.write(b"%b %b\r\n" % (self._tag, octets))
        answer = await self.answer()
        if b"%b OK" % self._tag not in answer[-2000:]:
            raise RuntimeError(f"{octets[:80]!r}: {answer[-300:]!r}")
        if self.kept is not None:
            answer, self.kept = b"".join(self.kept), None
        return answer

    async def login(self, login: str, password: str) -> None:
        """Sign in."""
        await self.command(f'LOGIN "{login}" "{password}"'.encode())

    async def append(self, mailbox: bytes, messages: list[bytes]) -> None:
        """APPEND, several by MULTIAPPEND, with literals that do not wait."""
        parts = [b"{%d+}\r\n%b" % (len(message), message) for message in messages]
        await self.command(b"APPEND %b %b" % (mailbox, b" ".join(parts)))

    async def idle(self) -> None:
        """Begin IDLE; returns at the server's `+`."""
        self._count += 1
        self._tag = b"zq%d" % self._count
        self.write(b"%b IDLE\r\n" % self._tag)
        await self.answer()


class PopPeer(Peer):
    """POP3; an answer of many lines ends in a dot."""

    _multiline = False

    def _complete(self) -> bool:
        if self._multiline:
            return self.tail.endswith(b"\r\n.\r\n")
        return self.tail.endswith(b"\r\n")

    async def command(self, octets: bytes, *, multiline: bool = False) -> bytes:
        """Send a command; the answer must be +OK (checked where it is short)."""
        self._multiline = multiline
        self.write(octets + b"\r\n")
        answer = await self.answer()
        if not multiline and not answer.startswith(b"+OK"):
            raise RuntimeError(f"{octets!r}: {answer!r}")
        return answer


def dot_stuffed(message: bytes) -> bytes:
    """A message as it stands after DATA, without the final dot."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"
