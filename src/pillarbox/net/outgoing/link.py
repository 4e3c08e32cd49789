"""The transport under a conversation with another server: frames, one deadline, back-pressure.

The only module of our clients that knows asyncio's transports. A link has one task, which watches
the deadline by the clock that was handed in.
"""

from __future__ import annotations

import asyncio
import math
import os
import ssl
from typing import Generic, Protocol, TypeVar, cast

from pillarbox.clock import Clock
from pillarbox.net.deflate import Deflate
from pillarbox.net.exporter import export_channel_binding
from pillarbox.net.outgoing import peer_tls
from pillarbox.net.outgoing.connector import Connector
from pillarbox.net.outgoing.failure import LinkFailure, TlsTrouble
from pillarbox.net.outgoing.frames import BadFrame, FrameReader

F = TypeVar("F")


class MakeFailure(Protocol):
    """The protocol's own subclass of LinkFailure."""

    def __call__(self, stage: str, why: str, *, tls_trouble: TlsTrouble = "") -> LinkFailure:
        """Make one."""


class Link(asyncio.Protocol, Generic[F]):
    """One connection. Every method that waits raises LinkFailure, at the latest in time."""

    def __init__(
        self,
        clock: Clock,
        frames: FrameReader[F],
        failure: MakeFailure,
        *,
        most_unread: int,
        shortest: float,
    ) -> None:
        """`most_unread`: octets after which the peer is made to wait. `shortest`: no wait that is
        asked for is shorter, seconds; no deadline is missed by more than this."""
        self._clock = clock
        self._frames = frames
        self._make_failure = failure
        self._most_unread = most_unread
        self._shortest = shortest
        self._transport: asyncio.Transport | None = None
        self._stage = "connect"
        self._deadline = math.inf
        self._cap = math.inf
        self._seconds = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._writable = True
        self._reading = True
        self._watch: asyncio.Task[None] | None = None
        self._deflate: Deflate | None = None
        self.failure: LinkFailure | None = None

    # What the conversation calls

    @property
    def is_quiet(self) -> bool:
        """Alive, and the peer has said nothing that was not asked for."""
        return self.failure is None and not len(self._frames)

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS layer, None in the clear."""
        if self._transport is None:
            return None
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    @property
    def own_address(self) -> str:
        """The address on our side; "" where it is not known."""
        found = self._transport.get_extra_info("sockname") if self._transport is not None else None
        return str(found[0]) if isinstance(found, tuple) else ""

    @property
    def bindings(self) -> dict[str, bytes]:
        """Channel bindings of this connection; tls-exporter needs TLS 1.3 (RFC 9266 §3)."""
        tls = self.ssl_object
        exported = export_channel_binding(tls) if tls is not None else None
        return {"tls-exporter": exported} if exported else {}

    async def connect(
        self, connector: Connector, address: str, port: int, *, source: str, seconds: float
    ) -> None:
        """Make the connection; `source`: our address, "" for any. Raises LinkFailure."""
        connecting = asyncio.ensure_future(
            connector.connect(address, port, lambda: self, source=source)
        )
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((connecting, timer), return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise self._make_failure("connect", f"{address} does not answer.")
            connecting.result()
        except OSError as error:
            # Not `error.strerror`: asyncio puts the name of a call of its own there.
            why = os.strerror(error.errno) if error.errno else "the connection could not be made"
            raise self._make_failure("connect", f"{address} cannot be reached: {why}.") from error
        finally:
            timer.cancel()
            connecting.cancel()

    def write(self, octets: bytes) -> None:
        """Send; for nothing where the connection is ending, of which the next wait tells."""
        transport = self._transport
        # A transport whose peer is gone warns of each write until it has said so.
        if transport is not None and self.failure is None and not transport.is_closing():
            if self._deflate is not None:
                octets = self._deflate.compress(octets)
            transport.write(octets)

    def cap(self, seconds: float) -> None:
        """All waits together from now on may take no longer; `math.inf` lifts it."""
        self._cap = self._clock.monotonic() + seconds

    def take(self, stage: str) -> F | None:
        """The next frame where one has arrived whole. Raises LinkFailure."""
        self._stage = stage
        try:
            return self._frames.next_frame()
        except BadFrame as error:
            raise self._fail(stage, str(error)) from error

    async def receive(self, stage: str, seconds: float) -> F:
        """The next frame. Raises LinkFailure."""
        frame = self.take(stage)
        if frame is not None:
            return frame
        self._wait_until(stage, seconds)
        try:
            while True:
                if self.failure is not None:
                    raise self.failure
                if not self._resume_input():
                    await self._woken()
                frame = self.take(stage)
                if frame is not None:
                    return frame
        finally:
            self._deadline = math.inf

    async def heard(self, seconds: float) -> bool:
        """Whether the peer says something, or is gone, within `seconds`; neither is a failure."""
        if self.failure is not None or len(self._frames) or self._resume_input():
            return True
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((waiter, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiter = None
            timer.cancel()
        return waiter.done()

    async def drained(self, stage: str, seconds: float, *, until_spoken: bool) -> None:
        """Return when the peer took what was written but for a little.

        `until_spoken`: or when it said something, which then is there to be read.
        """
        if self._writable and self.failure is None:
            return
        self._wait_until(stage, seconds)
        try:
            while not self._writable and self.failure is None:
                if until_spoken and len(self._frames):
                    break
                await self._woken()
        finally:
            self._deadline = math.inf
        if self.failure is not None and not len(self._frames):
            raise self.failure

    async def start_tls(self, verifier: peer_tls.PeerVerifier, seconds: float) -> peer_tls.TlsFacts:
        """Change to TLS. Raises LinkFailure; the connection is closed then."""
        plain = self._transport
        if self.failure is not None or plain is None:
            raise self.failure or self._make_failure("tls", "The connection is closed.")
        if len(self._frames):
            # Octets behind the go-ahead came in the clear, from whomever (CVE-2011-0411).
            raise self._fail("tls", "The other server spoke in the clear where TLS begins.")
        self._wait_until("tls", seconds)
        try:
            secured = await asyncio.get_running_loop().start_tls(
                plain,
                self,
                verifier.context,
                server_hostname=verifier.server_name,
                ssl_handshake_timeout=seconds,
            )
            if secured is None:
                raise self.failure or self._make_failure("tls", "The connection was lost.")
            self._transport = secured
            self._reading = True
            found = secured.get_extra_info("ssl_object")
            return peer_tls.facts_of(found, verifier)
        except LinkFailure:
            raise
        except (OSError, peer_tls.PeerNotTrusted) as error:  # ssl.SSLError, TimeoutError are such
            why, trouble = peer_tls.trouble_of(error)
            if self._clock.monotonic() >= self._deadline:
                why, trouble = _too_late(seconds), ""
            failure = self._make_failure("tls", why, tls_trouble=trouble)
            self.failure = failure
            self.close()
            raise failure from error
        finally:
            self._deadline = math.inf

    def deflate(self, level: int, piece: int, rest: bytes) -> None:
        """From here on everything is compressed, both ways (RFC 4978 §3).

        `piece`: octets that are inflated at a time. `rest`: octets that came in already.
        """
        self._deflate = Deflate(level, piece)
        if rest:
            self._inflate(rest)

    def close(self) -> None:
        """End it at once; nothing that matters is on the way when this is called."""
        if self.failure is None:
            self.failure = self._make_failure(self._stage, "The connection was closed.")
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        if self.failure is not None:  # given up while it was being made
            self._transport.abort()
            return
        self._watch = asyncio.get_running_loop().create_task(self._watch_deadline())

    def data_received(self, data: bytes) -> None:
        if self._deflate is None:
            self._frames.feed(data)
        elif not self._inflate(data):
            return
        if len(self._frames) > self._most_unread and self._reading:
            self._reading = False
            assert self._transport is not None
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(self._stage, "The other server closed the connection.")

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._wake()

    # Small parts

    def _fail(self, stage: str, why: str, *, timed_out: bool = False) -> LinkFailure:
        """Note why it is over, close, and wake whoever waits."""
        if self.failure is None:
            self.failure = self._make_failure(stage, why)
            self.failure.timed_out = timed_out
        failure = self.failure
        self.close()
        return failure

    def _inflate(self, octets: bytes) -> bool:
        """Hand on what can be read, but no more than is wanted at once: little may become much."""
        deflate = self._deflate
        assert deflate is not None
        deflate.feed(octets)
        while len(self._frames) <= self._most_unread:
            octets = deflate.take()
            if deflate.broken:
                self._fail(self._stage, "What the other server compressed cannot be read.")
                return False
            if not octets:
                break
            self._frames.feed(octets)
        return True

    def _wait_until(self, stage: str, seconds: float) -> None:
        self._stage = stage
        self._seconds = seconds
        self._deadline = min(self._clock.monotonic() + seconds, self._cap)

    async def _woken(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume_input(self) -> bool:
        """Whether there is something to be read without waiting for the peer."""
        if self._deflate is not None and self._deflate.has_more:
            before = len(self._frames)
            if not self._inflate(b"") or len(self._frames) > before:
                return True
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()
        return False

    async def _watch_deadline(self) -> None:
        while self.failure is None:
            left = self._deadline - self._clock.monotonic()
            if left <= 0:
                self._watch = None  # else closing would cancel this very task
                self._fail(self._stage, _too_late(self._seconds), timed_out=True)
                return
            await self._clock.sleep(min(left, self._shortest))


def _too_late(seconds: float) -> str:
    return f"The other server did not answer within {seconds:g} seconds."
