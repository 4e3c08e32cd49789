"""One SMTP connection: its octets, timing and task. The only module here that knows asyncio."""

from __future__ import annotations

import asyncio

from pillarbox.accounts.identity import Identity
from pillarbox.ids import AccountId
from pillarbox.net.door import Door
from pillarbox.net.listener import Listener
from pillarbox.net.peer import PeerConnection
from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import Context, Peer, SmtpServices, Ways
from pillarbox.smtp.server.registry import DIALECT
from pillarbox.smtp.server.session import Session
from pillarbox.smtp.wire.lines import LineReader
from pillarbox.smtp.wire.replies import Reply
from pillarbox.telemetry.log import get_logger

log = get_logger("smtp")

BURST = 200  # replies gathered before they are written though more commands wait


class SmtpConnection(PeerConnection):
    """Cuts lines, feeds messages to their reception, and runs a task only while there is work."""

    def __init__(
        self,
        door: Door,
        services: SmtpServices,
        ways: Ways,
        listener: Listener,
    ) -> None:
        super().__init__(door, listener.security)
        self._services = services
        self._settings = services.settings
        self._ways = ways
        self._listener = listener
        self._lines = LineReader(services.settings.max_command_octets)
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None  # kept: the loop holds tasks weakly
        self._busy = False
        self._concluding = False
        self._greeting: asyncio.TimerHandle | None = None
        self._finishing = False
        self._half_closed = False

    # What net.peer asks for

    @property
    def account(self) -> AccountId | None:
        """Who signed in."""
        return self._identity.account if self._identity is not None else None

    @property
    def credential(self) -> str:
        """By what."""
        return self._identity.credential if self._identity is not None else ""

    @property
    def _identity(self) -> Identity | None:
        return self._session.context.identity if self._session is not None else None

    def connected(self) -> None:
        """Say hello after a moment; who speaks in it is no mail program."""
        context = Context(self._services, self._ways, DIALECT, self._listener.role, self._peer())
        context.can_start_tls = self.offers_tls
        self._session = Session(context)
        log.debug_event("smtp.connected", session=context.journey, peer=self.peer)
        self.set_deadline(self._settings.command_seconds)
        loop = asyncio.get_running_loop()
        self._greeting = loop.call_later(self._settings.greeting_delay_seconds, self._greet)

    def refused(self) -> bytes:
        """Too many connections."""
        return answers.TOO_MANY_CONNECTIONS.encode()

    def octets_arrived(self, octets: bytes) -> None:
        """A message's octets go on at once; commands start the task that answers them."""
        session = self._session
        assert session is not None
        if self._greeting is not None:
            self._close_with(answers.TALKED_TOO_EARLY)
            return
        if self._busy:
            self._lines.feed(octets)
            if len(self._lines) > self._settings.max_pipelined_octets:
                self.pause_input()
            return
        reception = session.context.receiving
        if reception is None:
            # The deadline stays where the last answer set it: a line may not drip in for ever.
            self._lines.feed(octets)
            if b"\n" not in octets and len(self._lines) <= self._settings.max_command_octets:
                return
        else:
            rest = reception.feed(octets)
            if not reception.is_whole:
                self._wait_for_data()
                self.acknowledge()
                return
            self._lines.feed(rest)
        self._busy = True
        self._task = asyncio.get_running_loop().create_task(self._serve(session))

    def deadline_passed(self) -> None:
        """The peer is silent, or takes nothing; while we work, it is we who are late."""
        if not self.is_writable:
            self.abort()
            return
        if self._busy:
            self.set_deadline(self._settings.command_seconds)
            return
        self._close_with(answers.TIMED_OUT)

    def end_of_input(self) -> None:
        """The peer half-closed; what it had sent whole is answered first."""
        if self._busy:
            self._half_closed = True
        else:
            self.close()

    def eof_received(self) -> bool:
        """Keep the way out open while answers are on the way."""
        super().eof_received()
        return self._half_closed and not self.closed

    def gone(self) -> None:
        """Forget the transaction: nothing of it was acknowledged."""
        if self._greeting is not None:
            self._greeting.cancel()
        if self._task is not None and self._busy and not self._concluding:
            self._task.cancel()
        if self._session is not None and not self._busy:
            self._session.context.reset()

    def finish(self) -> None:
        """The server goes down: end now, or behind the transaction that is under way."""
        self._finishing = True
        if not self._busy and self._is_idle():
            self._close_with(answers.SHUTTING_DOWN)

    # The task

    async def _serve(self, session: Session) -> None:
        try:
            await self._answer_all(session)
        except asyncio.CancelledError:
            session.context.reset()
            raise
        except Exception:
            log.error_event("smtp.connection_failed", exc=True, session=session.context.journey)
            session.context.reset()
            self.abort()
        finally:
            self._busy = False

    async def _answer_all(self, session: Session) -> None:
        """Answer what has arrived; replies to a burst are one write (RFC 2920 §3.2)."""
        context, lines = session.context, self._lines
        replies: list[bytes] = []
        while not context.closing and not self.closed:
            if (reception := context.receiving) is not None:
                if not reception.is_whole and len(lines):
                    lines.feed(reception.feed(lines.take_rest()))
                if not reception.is_whole:
                    break
                self._concluding = True  # from here on the work is done though the peer may go
                concluded = await session.conclude()
                self._concluding = False
                replies += [reply.encode() for reply in concluded]
                continue
            line = lines.next_line()
            if line is None:
                break
            reply = await session.answer(line, more_behind=len(lines) > 0)
            if context.starting_tls:
                self._flush(replies)
                await self._change_to_tls(context, answers.READY_FOR_TLS)
            elif reply is not None:
                replies.append(reply.encode())
                if len(replies) >= BURST or not self.is_writable:
                    self._flush(replies)
                    self.set_deadline(self._settings.command_seconds)
                    await self.drained()
        if self._finishing and not context.closing and self._is_idle():
            context.closing = True
            replies.append(answers.SHUTTING_DOWN.encode())
        self._flush(replies)
        if context.closing or self.closed or self._half_closed:
            context.reset()
            self.close()
            return
        self.resume_input()
        if context.receiving is not None:
            self._wait_for_data()
        else:
            self.set_deadline(self._settings.command_seconds)

    async def _change_to_tls(self, context: Context, go_ahead: Reply) -> None:
        """RFC 3207 §4.2: all that was said before is forgotten."""
        if await self.start_tls(go_ahead.encode()):
            context.begin_anew(self._peer())
            self._lines = LineReader(self._settings.max_command_octets)
        else:
            context.closing = True

    def _flush(self, replies: list[bytes]) -> None:
        if replies:
            self.write(b"".join(replies))
            replies.clear()

    # Small parts

    def _greet(self) -> None:
        self._greeting = None
        if self._session is not None:
            self.write(self._session.greeting().encode())

    def _peer(self) -> Peer:
        return Peer(self.peer, self.is_loopback, self.tls is not None, self.bindings())

    def _wait_for_data(self) -> None:
        """The next octets may take their time, all together may not (RFC 5321 §4.5.3.2.5)."""
        assert self._session is not None
        reception = self._session.context.receiving
        assert reception is not None
        left = reception.ends_at - self._services.clock.monotonic()
        if left <= 0:
            self._close_with(answers.TIMED_OUT)
        else:
            self.set_deadline(min(left, self._settings.data_block_seconds))

    def _is_idle(self) -> bool:
        return self._session is None or self._session.context.transaction is None

    def _close_with(self, reply: Reply) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
            self._greeting = None
        if self._session is not None:
            self._session.context.closing = True
            self._session.context.reset()
        self.write(reply.encode())
        self.close()
