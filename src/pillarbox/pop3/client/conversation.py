"""Commands out, answers in: what signing in and reading a maildrop are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.pop3_client import Pop3ClientLimits, Pop3ClientTimeouts
from pillarbox.net.outgoing.connector import Connector, TcpConnector
from pillarbox.net.outgoing.link import Link
from pillarbox.pop3.client.failure import Pop3Failure, Stage, refusal
from pillarbox.pop3.client.listing import ListLines
from pillarbox.pop3.client.responses import (
    BadResponse,
    Challenge,
    Piece,
    Response,
    ResponseReader,
    Status,
)

_OUT_OF_STEP = "The other server answered something that was not asked."


class Pop3Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What all our connections have in common."""

    clock: Clock
    timeouts: Pop3ClientTimeouts = Pop3ClientTimeouts()
    limits: Pop3ClientLimits = Pop3ClientLimits()
    connector: Connector = TcpConnector()


class Conversation:
    """All that wait raise Pop3Failure."""

    def __init__(self, caller: Pop3Caller) -> None:
        self.timeouts = caller.timeouts
        self.limits = caller.limits
        self._reader = ResponseReader(max_line_octets=caller.limits.max_line_octets)
        waits = (
            cast(float, getattr(caller.timeouts, name))
            for name in Pop3ClientTimeouts.__struct_fields__
        )
        self.link: Link[Response] = Link(
            caller.clock,
            self._reader,
            Pop3Failure,
            most_unread=caller.limits.unread_octets,
            shortest=min(waits),
        )

    def send(self, *lines: bytes, body: bool = False) -> None:
        """Commands whose answers will be received; `body`: they have several lines."""
        for _ in lines:
            self._reader.expect(body=body)
        self.link.write(b"".join(line + b"\r\n" for line in lines))

    async def command(self, line: bytes, stage: Stage, seconds: float) -> Status:
        """One command and the first line of its answer."""
        status = await self.exchange(line, stage, seconds)
        if not isinstance(status, Status):
            raise self._out_of_step(stage)
        return status

    async def exchange(self, line: bytes, stage: Stage, seconds: float) -> Response:
        """One command, and what comes: a challenge, too, while signing in."""
        await self.ready(stage)
        self.send(line)
        return await self.link.receive(stage, seconds)

    async def respond(self, line: bytes, stage: Stage, seconds: float) -> Response:
        """A line within a command that is under way."""
        self.link.write(line + b"\r\n")
        return await self.link.receive(stage, seconds)

    async def status(self, stage: Stage) -> Status:
        """The first line of the next answer."""
        frame = await self.link.receive(stage, self.timeouts.command_seconds)
        if not isinstance(frame, Status):
            raise self._out_of_step(stage)
        return frame

    async def rest(self, stage: Stage, take: Callable[[bytes], None]) -> None:
        """The rest of an answer whose first line went well, piece by piece."""
        self.link.cap(self.timeouts.message_seconds)
        try:
            while True:
                piece = await self.link.receive(stage, self.timeouts.body_seconds)
                if not isinstance(piece, Piece):
                    raise self._out_of_step(stage)
                take(piece.octets)
                if piece.last:
                    return
        finally:
            self.link.cap(math.inf)

    async def lines(self, command: bytes, stage: Stage, most: int) -> list[bytes] | Status:
        """A command whose answer is a list, of which `most` lines are kept; the status when it
        is refused."""
        await self.ready(stage)
        self.send(command, body=True)
        status = await self.status(stage)
        if not status.ok:
            return status
        cutter = ListLines(self.limits.max_line_octets)
        found: list[bytes] = []

        def take(octets: bytes) -> None:
            lines = cutter.feed(octets)
            found.extend(lines[: max(most - len(found), 0)])

        try:
            await self.rest(stage, take)
        except BadResponse as error:
            self.link.close()
            raise Pop3Failure(stage, str(error)) from error
        return found

    async def ready(self, stage: Stage) -> None:
        """Read what is still owed, and see that nothing was said that was not asked for."""
        if self._reader.awaited and self.link.failure is None:
            await self._drain(stage)
        if self.link.failure is not None:
            raise self.link.failure
        if not self.link.is_quiet:
            said = await self.link.receive(stage, self.timeouts.command_seconds)
            self.link.close()
            if isinstance(said, Status) and not said.ok:
                raise refusal(stage, said)
            raise Pop3Failure(stage, _OUT_OF_STEP)

    async def _drain(self, stage: Stage) -> None:
        left = self.limits.drain_octets
        self.link.cap(self.timeouts.message_seconds)
        try:
            while self._reader.awaited:
                frame = await self.link.receive(stage, self.timeouts.body_seconds)
                if isinstance(frame, Piece):
                    left -= len(frame.octets)
                if left < 0 or isinstance(frame, Challenge):
                    self.link.close()
                    raise Pop3Failure(stage, "More was on the way than can be thrown away.")
        finally:
            self.link.cap(math.inf)

    def _out_of_step(self, stage: Stage) -> Pop3Failure:
        self.link.close()
        return Pop3Failure(stage, _OUT_OF_STEP)
