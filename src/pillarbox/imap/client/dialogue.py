"""Commands and their answers: tags, literals, and whatever the server says in between."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.imap.client.commands import Part
from pillarbox.imap.client.failure import ImapFailure, nonsense, refusal
from pillarbox.imap.client.frames import ResponseReader, ServerFrame
from pillarbox.imap.client.link import ImapLink
from pillarbox.imap.client.parser import parse_response
from pillarbox.imap.client.responses import (
    CapabilityList,
    Condition,
    Continuation,
    Enabled,
    Fetched,
    Response,
    Unknown,
)
from pillarbox.imap.client.selected import Selected
from pillarbox.net.outgoing.frames import BadFrame

Take = Callable[[Response], None]

_ALERTS = 20  # texts of the server that are kept
_LITERAL_MINUS = 4096  # RFC 7888 §5: octets that may be sent unasked with LITERAL-


class Dialogue:
    """One connection's commands. Every method that waits raises ImapFailure."""

    def __init__(
        self,
        link: ImapLink,
        reader: ResponseReader,
        timeouts: ImapClientTimeouts,
        limits: ImapClientLimits,
    ) -> None:
        self.link = link
        self.reader = reader
        self.timeouts = timeouts
        self.limits = limits
        self.capabilities: frozenset[str] = frozenset()
        self.knows_capabilities = False
        self.enabled: frozenset[str] = frozenset()
        self.alerts: deque[str] = deque(maxlen=_ALERTS)
        self.selected: Selected | None = None
        self.idles = True  # False: IDLE was refused
        self._count = 0
        self._awaited: dict[bytes, None] = {}  # tags of commands whose end somebody waits for
        self._abandoned: set[bytes] = set()

    # Saying

    def start(self, stage: str, *parts: bytes) -> bytes:
        """Send a command without literals; its tag."""
        tag = self.begin(stage)
        self.link.write(b"%b %b\r\n" % (tag, b"".join(parts)))
        return tag

    def begin(self, stage: str) -> bytes:
        """A new tag; what is said under it is up to the caller."""
        if self.link.failure is not None:
            while self.take(stage) is not None:  # it may have said why (BYE)
                pass
            raise self.link.failure
        self._count += 1
        tag = b"A%d" % self._count
        self._awaited[tag] = None
        return tag

    async def run(
        self, stage: str, *parts: Part, take: Take | None = None, seconds: float | None = None
    ) -> Condition:
        """Send a command and await its end. Raises ImapFailure unless that is OK.

        `take` is shown every other response; `seconds`: for each of them.
        """
        condition = await self.ask(stage, *parts, take=take, seconds=seconds)
        if condition.kind != "OK":
            raise refusal(stage, condition)
        return condition

    async def ask(
        self, stage: str, *parts: Part, take: Take | None = None, seconds: float | None = None
    ) -> Condition:
        """The same, and NO and BAD are answers like OK."""
        seconds = self.timeouts.command_seconds if seconds is None else seconds
        self.abandon()
        tag = self.begin(stage)
        ready = [tag, b" "]
        for part in parts:
            if isinstance(part, bytes):
                ready.append(part)
                continue
            size = len(part.octets)
            if self.takes_unasked(size):
                ready += [b"{%d+}\r\n" % size, part.octets]
                continue
            ready.append(b"{%d}\r\n" % size)
            self.link.write(b"".join(ready))
            ended = await self.go_ahead(tag, stage, seconds, take)
            if ended is not None:
                return ended
            ready = [part.octets]
        ready.append(b"\r\n")
        self.link.write(b"".join(ready))
        return await self.end(tag, stage, seconds, take)

    def takes_unasked(self, size: int) -> bool:
        """Whether a literal may be sent without asking first (RFC 7888 §3)."""
        if "LITERAL+" in self.capabilities:
            return True
        small = "LITERAL-" in self.capabilities or "IMAP4REV2" in self.capabilities
        return small and size <= _LITERAL_MINUS

    # Hearing

    async def go_ahead(
        self, tag: bytes, stage: str, seconds: float, take: Take | None = None
    ) -> Condition | None:
        """Await `+`; the end of the command where that comes instead."""
        found = await self._until(tag, stage, seconds, take, continues=True)
        return found if isinstance(found, Condition) else None

    async def challenge(self, tag: bytes, stage: str, seconds: float) -> bytes | Condition:
        """Await what stands behind `+`, or the end of the command."""
        found = await self._until(tag, stage, seconds, None, continues=True)
        return found.octets if isinstance(found, Continuation) else found

    async def end(
        self, tag: bytes, stage: str, seconds: float, take: Take | None = None
    ) -> Condition:
        """Await the end of a command."""
        found = await self._until(tag, stage, seconds, take, continues=False)
        assert isinstance(found, Condition)
        return found

    async def _until(
        self, tag: bytes, stage: str, seconds: float, take: Take | None, *, continues: bool
    ) -> Condition | Continuation:
        whole = seconds if stage == "logout" else self.timeouts.whole_command_seconds
        self.link.cap(whole)
        try:
            return await self._until_end(tag, stage, seconds, take, continues=continues)
        finally:
            self.link.cap(math.inf)

    async def _until_end(
        self, tag: bytes, stage: str, seconds: float, take: Take | None, *, continues: bool
    ) -> Condition | Continuation:
        for _ in range(self.limits.max_unasked):
            response = self.take(stage) or await self.receive(stage, seconds)
            if isinstance(response, Condition) and response.tag == tag:
                self.ended(response)
                return response
            if isinstance(response, Continuation) and continues:
                return response
            if take is not None:
                take(response)
            elif isinstance(response, Fetched):
                response.discard()
        self.link.close()
        raise nonsense(stage, "The other server talks without end.")

    def take(self, stage: str) -> Response | None:
        """The next response that has arrived, noted; None: there is none."""
        while True:
            frame = self.link.take(stage)
            if frame is None:
                return None
            response = self._heard(stage, frame) if frame else None
            if response is not None:
                return response

    async def receive(self, stage: str, seconds: float) -> Response:
        """The next response, noted."""
        while True:
            frame = await self.link.receive(stage, seconds)
            response = self._heard(stage, frame) if frame else None
            if response is not None:
                return response

    def _heard(self, stage: str, frame: ServerFrame) -> Response | None:
        """Its value; None for the end of a command that nobody waits for."""
        try:
            response = parse_response(frame)
        except BadFrame as error:
            self.link.close()
            raise ImapFailure(stage, str(error)) from error
        if type(response) is Fetched:  # nearly all are, and those change nothing here
            return response
        if not isinstance(response, Condition):
            self._note(response)
            return response
        if response.tag == b"*":
            self._note_condition(stage, response)
            return response
        if response.tag in self._abandoned:
            self._abandoned.discard(response.tag)
            return None
        if response.tag not in self._awaited:
            self.link.close()
            raise nonsense(stage, "The other server answers a command that was not given.")
        return response

    def is_awaited(self, tag: bytes) -> bool:
        """Whether its end is still to come, and of interest."""
        return tag in self._awaited

    def ended(self, condition: Condition) -> None:
        """The command is over, and nobody waits for it any longer."""
        self._awaited.pop(condition.tag, None)
        self._note_code(condition)

    def abandon(self) -> None:
        """What is under way is of no interest any more; its answers are passed over."""
        if self._awaited:
            self._abandoned.update(self._awaited)
            self._awaited.clear()
            self.reader.stop_diverting()

    # Noting

    def _note(self, response: Response) -> None:
        if isinstance(response, CapabilityList):
            self._learn(response.names)
        elif isinstance(response, Enabled):
            self.enabled |= frozenset(response.names)
        elif self.selected is not None and not isinstance(response, Unknown):
            self.selected.note(response)

    def _note_condition(self, stage: str, condition: Condition) -> None:
        self._note_code(condition)
        if condition.kind == "BYE" and stage != "logout":
            self.link.close()
            raise refusal(stage, condition)
        if self.selected is not None:
            self.selected.note(condition)

    def _note_code(self, condition: Condition) -> None:
        code = condition.code
        if code is None:
            return
        if code.name == "CAPABILITY":
            self._learn(tuple(code.argument.decode("ascii", "replace").upper().split()))
        elif code.name in ("ALERT", "WEBALERT"):
            self.alerts.append(condition.text)

    def _learn(self, names: tuple[str, ...]) -> None:
        self.capabilities = frozenset(names)
        self.knows_capabilities = True

    def forget_capabilities(self) -> None:
        """They were said before TLS or before signing in (RFC 9051 §6.2.1)."""
        self.capabilities = frozenset()
        self.knows_capabilities = False
