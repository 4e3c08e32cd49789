"""One POP3 connection: octets in and out, time limits, STLS. The only file that knows asyncio."""

from __future__ import annotations

import asyncio
import functools
import itertools

from prometheus_client import Counter

from pillarbox.ids import AccountId, new_journey
from pillarbox.net.door import Door
from pillarbox.net.eager import begin
from pillarbox.net.listener import Listener
from pillarbox.net.peer import PeerConnection
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.pop3.server.sending import CutShort
from pillarbox.pop3.server.services import Pop3Services
from pillarbox.pop3.server.session import Next, Session
from pillarbox.pop3.server.texts import DEFAULT_LANGUAGE, Say, say
from pillarbox.pop3.wire.lines import LineCutter, LineTooLong
from pillarbox.pop3.wire.replies import Code, Err, Ok
from pillarbox.pop3.wire.requests import COMMANDS as REQUESTS
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import COMMANDS, FAULTS

_FLUSH_OCTETS = 64 * 1024  # answers of a burst are joined up to this much
_COMMANDS_IN_A_ROW = 100  # of one client, before others have their turn
_log = get_logger("pop3")


@functools.cache  # as many as there are commands, times three; looking them up costs 3 µs
def _counter_of(command: str, outcome: str) -> Counter:
    return COMMANDS.labels("pop3", command, outcome)


class Pop3Connection(PeerConnection):
    """Cuts lines, runs the session over them in one task while there are any, joins answers."""

    def __init__(
        self,
        door: Door,
        services: Pop3Services,
        locks: MaildropLocks,
        listener: Listener,
    ) -> None:
        super().__init__(door, listener.security)
        self._services = services
        self._settings = services.settings
        self._locks = locks
        self._cutter = LineCutter(services.settings.longest_line)
        self._session = Session(services, locks, self)
        self._task: asyncio.Task[None] | None = None
        self._reading_ahead: asyncio.Task[None] | None = None  # kept: the loop holds tasks weakly
        self._out: list[bytes] = []
        self._out_octets = 0
        self._closing = False
        self._draining = False
        self._end_of_input = False
        self._sign_in_until = 0.0
        self.journey = new_journey()

    # What the session asks

    @property
    def account(self) -> AccountId | None:
        """Who signed in."""
        return self._session.account

    @property
    def credential(self) -> str:
        """By what."""
        return self._session.credential

    @property
    def address(self) -> str:
        """The client's address."""
        return self.peer

    @property
    def has_tls(self) -> bool:
        """Whether TLS is in use."""
        return self.tls is not None

    def send(self, octets: bytes) -> None:
        """Append to the answers of this burst."""
        self._out.append(octets)
        self._out_octets += len(octets)

    async def room(self) -> bool:
        """Hand much to the transport, and wait until the client took it; False: it is gone."""
        if self._out_octets < _FLUSH_OCTETS and self.is_writable:
            return not self.closed
        self._flush()
        self.set_deadline(self._settings.stalled_seconds)
        await self.drained()
        return not self.closed

    # What PeerConnection tells

    def connected(self) -> None:
        """Greet."""
        self._sign_in_until = asyncio.get_running_loop().time() + self._settings.login_seconds
        _log.debug_event("pop3.connected", journey=self.journey, peer=self.peer)
        self.write(self._session.greet())
        self._await_command()

    def refused(self) -> bytes:
        """Over the connection limits."""
        text = say(DEFAULT_LANGUAGE, Say.TOO_MANY_CONNECTIONS)
        return Err(text, Code.SYS_TEMP).encode()

    def octets_arrived(self, octets: bytes) -> None:
        """Cut lines; a task runs only while there are whole ones that have to wait."""
        if self._closing:
            return
        self._cutter.feed(octets)
        if self._task is None and self._has_line():
            if self._session.signed_in:
                self._task = begin(self._run_burst())
            else:
                self._task = asyncio.get_running_loop().create_task(self._run_burst())
        if self._task is not None and self._cutter.waiting > self._settings.input_octets:
            self.pause_input()

    def end_of_input(self) -> None:
        """What came before the end is still answered."""
        self._end_of_input = True
        if self._task is None:
            self.close()

    def deadline_passed(self) -> None:
        """Idle, or not taking what we send. RFC 1939 §3: no answer, no UPDATE."""
        if self._task is not None and self.is_writable:
            self.set_deadline(self._settings.stalled_seconds)  # the delay is ours
            return
        _log.debug_event("pop3.timed_out", journey=self.journey, login=self._session.login)
        self.abort()

    def gone(self) -> None:
        """Nothing is deleted; the maildrop is free for another session."""
        if self._task is None:
            self._session.abandon()
        _log.debug_event("pop3.closed", journey=self.journey, login=self._session.login)

    def finish(self) -> None:
        """Close when no command is under way."""
        self._draining = True
        if self._task is None:
            self._close_soon()

    # One burst of commands

    async def _run_burst(self) -> None:
        try:
            for done in itertools.count(1):
                following = await self._run_one()
                if self._out_octets >= _FLUSH_OCTETS or not self.is_writable:
                    await self.room()
                if self.closed:
                    break
                if done % _COMMANDS_IN_A_ROW == 0:
                    await self._services.clock.sleep(0)  # let others have their turn
                if following is Next.CLOSE or self._draining:
                    self._close_soon()
                    break
                if following is Next.START_TLS:
                    await self._start_tls()
                if not self._has_line():
                    break
        except CutShort:
            self.abort()
        finally:
            self._task = None
            if self.closed:
                self._session.abandon()
        if self._end_of_input:
            self._close_soon()
        elif not self._closing and not self.closed:
            self._flush()
            self.resume_input()
            self._await_command()
            if self._session.may_read_ahead:  # once the answers are on their way
                asyncio.get_running_loop().call_soon(self._read_ahead)

    def _read_ahead(self) -> None:
        if self._task is None and not self.closed:  # else the next one is asked for already
            self._reading_ahead = begin(self._session.read_ahead())

    def _has_line(self) -> bool:
        """Whether there is something to answer; how long a line may be is the session's to say."""
        self._cutter.longest = self._session.longest_line
        return self._cutter.has_line

    async def _run_one(self) -> Next:
        """Answer the line that there is."""
        try:
            line = self._cutter.next_line()
        except LineTooLong:
            return self._session.line_too_long()
        if line is None:
            return Next.GO_ON
        command = self._session.command_of(line)
        before = len(self._out)
        try:
            following = await self._session.run(line)
        except CutShort:
            raise
        except Exception:
            FAULTS.labels("pop3").inc()
            COMMANDS.labels("pop3", command, "fault").inc()
            _log.error_event("pop3.fault", exc=True, journey=self.journey, command=command)
            self._session.fault()
            return Next.GO_ON
        _counter_of(command, self._outcome(command, before)).inc()
        return following

    def _outcome(self, command: str, before: int) -> str:
        """How a command is counted, by the answer that it appended."""
        if len(self._out) <= before or not self._out[before].startswith(b"-"):
            return "ok"
        return "no" if command in REQUESTS else "bad"

    async def _start_tls(self) -> None:
        """RFC 2595 §4. What stands behind the line cannot be trusted, so it ends the connection."""
        if self._cutter.waiting:
            self._flush()
            self.abort()
            return
        self._flush()
        go_ahead = Ok(self._session.say(Say.TLS_NOW)).encode()
        if await self.start_tls(go_ahead):
            self._session = Session(self._services, self._locks, self)

    def _await_command(self) -> None:
        if self._session.signed_in:
            self.set_deadline(self._settings.idle_seconds)
            return
        left = self._sign_in_until - asyncio.get_running_loop().time()
        self.set_deadline(max(0.0, min(self._settings.idle_seconds, left)))

    def _flush(self) -> None:
        if self._out:
            self.write_all(self._out)
            self._out = []
            self._out_octets = 0

    def _close_soon(self) -> None:
        """Send what there is and close."""
        self._flush()
        self._closing = True
        self.close()
