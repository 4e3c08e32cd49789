"""A conversation with another POP3 server: greeting, TLS, signing in, reading, deleting.

What is deleted is decided by the answer to `quit` alone (RFC 1939 §6): a connection that ends in
any other way deletes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.net.outgoing.peer_tls import PeerVerifier, TlsFacts
from pillarbox.pop3.client.capabilities import Capabilities, parse_capabilities
from pillarbox.pop3.client.conversation import Conversation, Pop3Caller
from pillarbox.pop3.client.failure import Pop3Failure, Stage, refusal
from pillarbox.pop3.client.listing import parse_numbered
from pillarbox.pop3.client.responses import Status
from pillarbox.pop3.client.signing_in import sign_in
from pillarbox.sasl.client import Credentials


class Sink(Protocol):
    """Where a message's octets go."""

    def write(self, chunk: bytes) -> None:
        """Take some. What it raises as PillarboxError ends this message, not the others."""


class Retrieved(msgspec.Struct, frozen=True):
    """What became of one message."""

    number: int
    status: Status  # the first line of the answer
    error: PillarboxError | None = None  # of the sink


class Pop3Connection:
    """Made by `open`, then `start_tls`, `authenticate`. Everything but `close` raises Pop3Failure.

    Answers that nobody waited for, since their iteration ended early, are read and thrown away
    before the next command.
    """

    def __init__(self, caller: Pop3Caller) -> None:
        """For `open`."""
        self._talk = Conversation(caller)
        self.greeting = ""
        self.capabilities = Capabilities()
        self.tls: TlsFacts | None = None

    @classmethod
    async def open(
        cls,
        caller: Pop3Caller,
        address: str,
        port: int,
        *,
        implicit_tls: PeerVerifier | None = None,
    ) -> Pop3Connection:
        """Connect, hear the greeting, ask for capabilities."""
        connection = cls(caller)
        talk, timeouts = connection._talk, caller.timeouts
        try:
            await talk.link.connect(
                caller.connector, address, port, source="", seconds=timeouts.connect_seconds
            )
            if implicit_tls is not None:
                connection.tls = await talk.link.start_tls(implicit_tls, timeouts.tls_seconds)
            greeting = await talk.link.receive("greeting", timeouts.greeting_seconds)
            if not isinstance(greeting, Status) or not greeting.ok:
                raise _bad_greeting(greeting)
            connection.greeting = greeting.text
            await connection._ask_capabilities()
        except BaseException:
            talk.link.close()
            raise
        return connection

    async def start_tls(self, verifier: PeerVerifier) -> TlsFacts:
        """STLS and the handshake; what was said before counts no more (RFC 2595 §4)."""
        seconds = self._talk.timeouts.tls_seconds
        with self._closing():
            if self.capabilities.known and not self.capabilities.stls:
                raise Pop3Failure(
                    "tls",
                    "The other server does not offer TLS.",
                    tls_trouble="starttls-not-supported",
                )
            status = await self._talk.command(b"STLS", "tls", seconds)
            if not status.ok:
                raise Pop3Failure(
                    "tls",
                    f"The other server refuses TLS: {status.text}",
                    status=status,
                    tls_trouble="starttls-not-supported",
                )
            self.capabilities = Capabilities()
            self.tls = await self._talk.link.start_tls(verifier, seconds)
            await self._ask_capabilities()
        return self.tls

    async def authenticate(self, credentials: Credentials, *, in_the_clear: bool = False) -> None:
        """Sign in by the best way that both know.

        `in_the_clear`: the password may pass though there is no TLS (on loopback).
        """
        plaintext = in_the_clear or self.tls is not None
        with self._closing():
            if self.capabilities.utf8:  # RFC 6856 §2.1: else messages come changed, or not at all
                await self._talk.command(b"UTF8", "auth", self._talk.timeouts.command_seconds)
            try:
                await sign_in(
                    self._talk,
                    self.capabilities,
                    credentials,
                    greeting=self.greeting,
                    plaintext=plaintext,
                )
            except Pop3Failure as failure:
                failure.login_delay = self.capabilities.login_delay
                raise
            await self._ask_capabilities()

    async def sizes(self) -> dict[int, int]:
        """Messages by their numbers, with the sizes that the server tells (LIST)."""
        lines = await self._talk.lines(b"LIST", "listing", self._talk.limits.max_messages)
        if isinstance(lines, Status):
            raise refusal("listing", lines)
        found: dict[int, int] = {}
        for number, rest in _numbered(lines):
            word = rest.split(maxsplit=1)[:1]
            digits = word and word[0].isdigit() and len(word[0]) <= 18
            found[number] = int(word[0]) if digits else 0
        return found

    async def unique_ids(self) -> dict[int, bytes] | None:
        """The names that messages keep, by their numbers (UIDL); None: the server has none."""
        if self.capabilities.known and not self.capabilities.uidl:
            return None
        lines = await self._talk.lines(b"UIDL", "listing", self._talk.limits.max_messages)
        if isinstance(lines, Status):
            return None
        return {number: name for number, name in _numbered(lines) if name}

    async def last(self) -> int | None:
        """The highest number that was ever read (LAST, of POP3 before 1994); None: not known."""
        status = await self._talk.command(b"LAST", "listing", self._talk.timeouts.command_seconds)
        found = parse_numbered(status.text.encode()) if status.ok else None
        return found[0] if found is not None else None

    def headers(
        self, numbers: Sequence[int], sink: Callable[[int], Sink]
    ) -> AsyncIterator[Retrieved]:
        """The headers of messages (TOP), in their order."""
        return self._bodies(b"TOP %d 0", numbers, sink)

    def retrieve(
        self, numbers: Sequence[int], sink: Callable[[int], Sink]
    ) -> AsyncIterator[Retrieved]:
        """Whole messages (RETR), in their order; several are asked for ahead where they may be."""
        return self._bodies(b"RETR %d", numbers, sink)

    async def delete(self, numbers: Sequence[int]) -> list[int]:
        """Mark messages; those that were. They are gone when `quit` says so."""
        await self._talk.ready("delete")
        marked: list[int] = []
        for number in self._asked(b"DELE %d", numbers, body=False):
            status = await self._talk.status("delete")
            if status.ok:
                marked.append(number)
        return marked

    async def noop(self) -> None:
        """Keep the connection alive."""
        status = await self._talk.command(b"NOOP", "listing", self._talk.timeouts.command_seconds)
        if not status.ok:
            raise refusal("listing", status)

    async def quit(self) -> Status:
        """End the session and close. Only "+OK" means that what was marked is gone."""
        with self._closing(always=True):
            return await self._talk.command(b"QUIT", "quit", self._talk.timeouts.quit_seconds)

    def close(self) -> None:
        """Close without a word; nothing is deleted."""
        self._talk.link.close()

    @property
    def is_open(self) -> bool:
        """Whether more can be said."""
        return self._talk.link.failure is None

    # Small parts

    async def _ask_capabilities(self) -> None:
        limits = self._talk.limits
        lines = await self._talk.lines(b"CAPA", "capabilities", limits.max_capabilities)
        if isinstance(lines, Status):
            self.capabilities = Capabilities()  # older than RFC 2449
        else:
            self.capabilities = parse_capabilities(
                line.decode("ascii", "replace") for line in lines
            )

    async def _bodies(
        self, command: bytes, numbers: Sequence[int], sink: Callable[[int], Sink]
    ) -> AsyncIterator[Retrieved]:
        await self._talk.ready("message")
        for number in self._asked(command, numbers, body=True):
            status = await self._talk.status("message")
            error = await self._into(sink(number)) if status.ok else None
            yield Retrieved(number, status, error)

    async def _into(self, sink: Sink) -> PillarboxError | None:
        """A message's octets to their place; after the sink's error the rest is thrown away."""
        error: PillarboxError | None = None

        def take(octets: bytes) -> None:
            nonlocal error
            if error is None:
                try:
                    sink.write(octets)
                except PillarboxError as caught:
                    error = caught

        await self._talk.rest("message", take)
        return error

    def _asked(self, command: bytes, numbers: Sequence[int], *, body: bool) -> Iterator[int]:
        """Each number whose answer is the next to come; commands are sent ahead."""
        most = self._talk.limits.pipeline_commands if self.capabilities.pipelining else 1
        left, under_way = deque(numbers), deque[int]()
        while left or under_way:
            if left and len(under_way) <= most // 2:  # in bursts: half a window a time
                burst = [left.popleft() for _ in range(min(most - len(under_way), len(left)))]
                under_way.extend(burst)
                self._talk.send(*(command % number for number in burst), body=body)
            yield under_way.popleft()

    def _closing(self, *, always: bool = False) -> _Closing:
        return _Closing(self.close, always)


class _Closing:
    """Closes the connection when what is inside does not end well, or in any case."""

    def __init__(self, close: Callable[[], None], always: bool) -> None:
        self._close = close
        self._always = always

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._always or kind is not None:
            self._close()


def _bad_greeting(greeting: object) -> Pop3Failure:
    stage: Stage = "greeting"
    if isinstance(greeting, Status):
        return refusal(stage, greeting)
    return Pop3Failure(stage, "The other server's greeting is no POP3.")


def _numbered(lines: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    return (found for found in map(parse_numbered, lines) if found is not None)
