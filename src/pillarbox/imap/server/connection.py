"""The IMAP connection: transport, buffers, timers and tasks. The only file here with asyncio.

While a client is silent, idling included, there is no task: its next octets or the feed start one,
which runs until the client has to say something again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from pillarbox.ids import AccountId, new_journey
from pillarbox.imap.server.context import After, Gone, ImapServices, State, Torn
from pillarbox.imap.server.session import Session
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import Event, Framed, Framer, FramingLimits, TooLong, WantLiteral
from pillarbox.net.deflate import Deflate
from pillarbox.net.door import Door
from pillarbox.net.eager import begin
from pillarbox.net.listener import Listener
from pillarbox.net.peer import PeerConnection
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import FAULTS

log = get_logger("imap")
_BURST = 65_536  # octets that are gathered before they are handed to the transport
# No limit on a client: it goes on as soon as the others had their turn.
_TURN_SECONDS = 0.01  # of work for one client's pipelined octets in a row


class ImapConnection(PeerConnection):
    """One client."""

    def __init__(
        self,
        door: Door,
        services: ImapServices,
        listener: Listener,
    ) -> None:
        super().__init__(door, listener.security)
        self._services = services
        self._settings = services.settings
        self._framer = Framer(self._limits(signed_in=False))
        self._is_stranger = True
        self._session = Session(services, self, self._framer, new_journey())
        self._session.ctx.on_change = self._wake
        self._task: asyncio.Task[None] | None = None
        self._awaited: asyncio.Future[None] | None = None  # set by octets while a command asks
        self._out: list[bytes] = []
        self._out_octets = 0
        self._ahead = 0  # octets read while a command was under way
        self._idling = False
        self._finishing = False
        self._no_more_input = False
        self._deflate: Deflate | None = None
        self._sign_in_by = 0.0
        self._alive_at = 0.0  # when the client last said something
        self._begun = 0.0  # when the command that is coming began to; 0: none is

    @property
    def account(self) -> AccountId | None:
        """Who signed in."""
        return self._session.ctx.account_id

    @property
    def credential(self) -> str:
        """By what."""
        return self._session.ctx.credential

    # What commands see (context.Link)

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is offered and not done."""
        return self.offers_tls and self.tls is None

    @property
    def can_compress(self) -> bool:
        """Whether COMPRESS is offered and not done."""
        return self._settings.compress and self._deflate is None

    @property
    def is_compressed(self) -> bool:
        """Whether COMPRESS was done."""
        return self._deflate is not None

    def write(self, octets: bytes) -> None:
        """Send with the burst."""
        self._out.append(octets)
        self._out_octets += len(octets)
        if self._out_octets >= _BURST:
            self._flush()

    def write_pieces(self, pieces: list[bytes]) -> None:
        """Send several with the burst."""
        self._out += pieces
        self._out_octets += sum(map(len, pieces))
        if self._out_octets >= _BURST:
            self._flush()

    async def drained(self) -> None:
        """Hand over what was gathered; return when the client took enough of it."""
        self._flush()
        if not self.is_writable:
            self.set_deadline(self._settings.write_timeout)
            await super().drained()
        if self.closed:
            raise Gone

    async def ask(self, prompt: bytes) -> bytes:
        """Send a continuation request and return the client's next line."""
        self.write(b"+ %b\r\n" % prompt)
        self._flush()
        while True:
            event = self._framer.next_event()
            match event:
                case Framed():
                    self._begun = 0.0
                    return event.line
                case None:
                    await self._more_octets()
                case WantLiteral():
                    self._framer.refuse()
                    raise BadSyntax("A line was expected, not a literal.")
                case _:
                    raise BadSyntax("A line was expected.")

    async def _more_octets(self) -> None:
        self._awaited = asyncio.get_running_loop().create_future()
        self._ahead = 0
        self.resume_input()
        self.set_deadline(self._seconds_for_more())
        if self.closed or self._no_more_input:
            raise Gone
        try:
            await self._awaited
        finally:
            self._awaited = None
        if self.closed:
            raise Gone

    # What the peer does (net.peer)

    def refused(self) -> bytes:
        """Over the connection limits."""
        return b"* BYE [LIMIT] Too many connections; try again later.\r\n"

    def connected(self) -> None:
        """Greet."""
        now = asyncio.get_running_loop().time()
        self._sign_in_by = now + self._settings.login_timeout
        self._alive_at = now
        self._session.greet()
        self._flush()
        self._rest()

    def octets_arrived(self, octets: bytes) -> None:
        """Frame them, and work on what is whole."""
        self._alive_at = asyncio.get_running_loop().time()
        if self._deflate is not None:
            self._deflate.feed(octets)
            if self._task is None:
                self._inflate()
        else:
            self._framer.feed(octets)
        if self._task is None:
            self._start()
            return
        if self._awaited is not None:
            self._inflate()
            if not self._awaited.done():
                self._awaited.set_result(None)
            return
        self._ahead += len(octets)
        if self._ahead > self._settings.max_pending:
            self.pause_input()

    def end_of_input(self) -> None:
        """Answer what came before, then close."""
        self._no_more_input = True
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(Gone())
        if self._task is None:
            self.close()

    def gone(self) -> None:
        """The connection ended."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(Gone())
        if self._task is None:
            self._session.end()

    def deadline_passed(self) -> None:
        """Silent for too long, or too slow in taking an answer."""
        loop_time = asyncio.get_running_loop().time()
        if self._task is not None and self._awaited is None:
            if self.is_writable:
                self.set_deadline(self._settings.write_timeout)  # a command takes its time
            else:
                self.abort()
            return
        idle_until = self._alive_at + self._settings.idle_timeout
        if self._idling and loop_time < idle_until and not self._is_overdue(loop_time):
            self.write(b"* OK Still here\r\n")  # keeps address translators' memory alive
            self._flush()
            self._rest()
            return
        self._session.bye("Autologout; the connection was silent for too long.", codes.UNAVAILABLE)
        self._flush()
        self.close()

    def finish(self) -> None:
        """The server stops: end after the command that is under way."""
        self._finishing = True
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(Gone())
        if self._task is None:
            self._say_finish()

    def _say_finish(self) -> None:
        if not self.closed:
            self._session.bye("The server stops; connect again.", codes.UNAVAILABLE)
            self._flush()
            self.close()

    # Work

    def _start(self) -> None:
        # Signing in may want a task's timeouts; what comes behind it mostly waits for nothing.
        if self._session.ctx.state is State.NOT_AUTHENTICATED:
            self._start_later()
        else:
            # None where it is at its end; news may have begun another task there.
            self._task = begin(self._work()) or self._task

    def _start_later(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work())

    def _wake(self) -> None:
        """The feed has news: tell them at once when the client idles."""
        if self._idling and self._task is None and not self.closed:
            self._task = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            await self._step(self._session.tell_changes())
        finally:
            self._worked()

    async def _work(self) -> None:
        """Take one event after the other until there is none."""
        loop = asyncio.get_running_loop()
        turn_ends = loop.time() + _TURN_SECONDS
        try:
            while not self.closed:
                if loop.time() > turn_ends:
                    await self._services.clock.sleep(0)  # commands that never wait would starve all
                    turn_ends = loop.time() + _TURN_SECONDS
                event = self._framer.next_event()
                if event is None and not self._inflate():
                    self._ahead = 0
                    break
                if event is None:
                    continue
                if isinstance(event, Framed | TooLong):
                    self._begun = 0.0
                if self._idling:
                    going = self._end_idle(event)
                else:
                    going = await self._step(self._session.take(event))
                if not going or self._finishing:
                    break
                if not self.is_writable:
                    await self.drained()
        except Gone:
            pass
        except Exception:
            self._fault()
        finally:
            self._worked()

    def _end_idle(self, event: Event) -> bool:
        """The client says DONE, or something that it should not."""
        self._idling = False
        if isinstance(event, WantLiteral):
            self._framer.refuse()
        line = event.line if isinstance(event, Framed) else b""
        return self._after(self._session.end_idle(line))

    async def _step(self, doing: Awaitable[After]) -> bool:
        """Await a step of the session and do what it asks of the connection."""
        try:
            after = await doing
        except Gone:
            return False
        except Exception as error:
            if isinstance(error, Torn):
                log.warning_event("imap.torn", journey=self._session.ctx.journey, peer=self.peer)
                self._cut()
            else:
                self._fault()
            return False
        if after is After.START_TLS:
            return await self._start_tls()
        return self._after(after)

    def _fault(self) -> None:
        """A bug outside of any command: nobody knows what the client may believe now."""
        log.error_event("imap.fault", exc=True, journey=self._session.ctx.journey)
        FAULTS.labels("imap").inc()
        self._cut()

    def _cut(self) -> None:
        self._out = []
        self._out_octets = 0
        self.abort()

    def _after(self, after: After) -> bool:
        """Whether to go on with the next event."""
        if after is After.IDLE:
            self.write(b"+ idling\r\n")
            self._idling = True
        elif after is After.COMPRESS:
            self._compress()
        elif after is After.CLOSE:
            self._flush()
            self.close()
            return False
        if self._is_stranger and self._session.ctx.state is not State.NOT_AUTHENTICATED:
            self._is_stranger = False
            self._framer.limits = self._limits(signed_in=True)
        return True

    def _worked(self) -> None:
        """A task is at its end: write the burst, wait for the client."""
        self._task = None
        if self.closed:
            self._session.end()
            return
        self._flush()
        if self._finishing:
            self._say_finish()
        elif self._no_more_input:
            self.close()
        else:
            arrived, self._ahead = self._ahead, 0
            self.resume_input()
            self._rest()
            if arrived:  # behind this task's back, DONE perhaps
                self._start_later()
            elif self._idling and self._session.ctx.stale:
                self._wake()

    def _rest(self) -> None:
        """Set the timer for the client's next move."""
        settings = self._settings
        now = asyncio.get_running_loop().time()
        if self._session.ctx.state is State.NOT_AUTHENTICATED:
            self.set_deadline(max(self._sign_in_by - now, 0.0))
        elif self._framer.pending and not self._idling:
            self.set_deadline(self._seconds_for_more())
            self.acknowledge()
        elif self._idling:
            if self._framer.pending and not self._begun:
                self._begun = now
            left = 0.0 if self._is_overdue(now) else self._alive_at + settings.idle_timeout - now
            self.set_deadline(min(max(left, 0.0), settings.idle_keepalive))
        else:
            self._begun = 0.0
            self.set_deadline(settings.idle_timeout)

    def _seconds_for_more(self) -> float:
        """How long the next octets of a command may take: silence is bounded, the whole too."""
        now = asyncio.get_running_loop().time()
        if not self._begun:
            self._begun = now
        ends_at = self._begun + self._settings.whole_command_timeout
        if self._session.ctx.state is State.NOT_AUTHENTICATED:
            ends_at = min(ends_at, self._sign_in_by)
        return max(min(self._settings.command_timeout, ends_at - now), 0.0)

    def _is_overdue(self, now: float) -> bool:
        """Whether a command that is coming has taken too long."""
        return self._begun > 0.0 and now >= self._begun + self._settings.whole_command_timeout

    def _flush(self) -> None:
        if not self._out:
            return
        pieces, self._out = self._out, []
        self._out_octets = 0
        if self._deflate is not None:
            pieces = [self._deflate.compress(b"".join(pieces))]
        self.write_all(pieces)

    def _limits(self, *, signed_in: bool) -> FramingLimits:
        settings = self._settings
        return FramingLimits(
            line=settings.max_line,
            literal=settings.max_literal if signed_in else settings.max_literal_before_login,
            command=settings.max_command,
            skipped=settings.max_skipped,
        )

    # TLS and compression

    async def _start_tls(self) -> bool:
        self._flush()
        if self._framer.leftover():
            # Octets from before the handshake would be obeyed as if TLS had protected them.
            self.abort()
            return False
        return await self.start_tls(b"")

    def _compress(self) -> None:
        """From here on all octets are deflated, both ways (RFC 4978 §3)."""
        self._flush()
        self._deflate = Deflate(self._settings.compress_level, self._settings.max_inflated)
        rest = self._framer.leftover()
        if rest:
            self._deflate.feed(rest)

    def _inflate(self) -> bool:
        """Give the framer some more of what is compressed; False: there is none."""
        if self._deflate is None:
            return False
        octets = self._deflate.take()
        if self._deflate.broken:
            self._session.bye("The compressed stream is broken.")
            self._flush()
            self.close()
            return False
        self._framer.feed(octets)
        return bool(octets)
