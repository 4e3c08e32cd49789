"""Octets → responses as lines with the literals between them, without grammar (RFC 9051 §4.3).

A literal never is read as a response, memory is bounded here and nowhere else, and a long literal
goes on to a sink while it arrives. Sans-IO.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.errors import PillarboxError
from pillarbox.imap.client.responses import ServerLiteral, Sink
from pillarbox.net.outgoing.frames import BadFrame

Segment = bytes | ServerLiteral
ServerFrame = tuple[Segment, ...]
# Where a literal goes that is too long for memory: the line before it, its octets; None: nowhere.
Divert = Callable[[bytes, int], Sink | None]


class Unfinished(msgspec.Struct, frozen=True):
    """A literal that is not whole."""

    before: bytes  # the lines in front of it
    size: int  # octets as announced
    arrived: int


GOING_ON: ServerFrame = ()  # no response: some of a long literal came, so the server is alive

# A text goes to the end of its line, whatever it ends with.
_TEXT = re.compile(rb"\+|[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)(?: |\Z)", re.IGNORECASE)
_MOST_DIGITS = 19
_MAX_SEGMENTS = 10_000
_SIGN_OF_LIFE = 65_536  # octets of a long literal


class ResponseReader:
    """Octets in, responses out; any chunking gives the same responses."""

    def __init__(self, limits: ImapClientLimits) -> None:
        self._limits = limits
        self._buffer = b""
        self._at = 0
        self._scanned = 0  # where to look for the end of the line
        self._incoming: list[bytes] = []  # behind the buffer
        self._queued = 0
        self._segments: list[Segment] = []
        self._held = 0
        self._literal: ServerLiteral | None = None  # the one that is arriving
        self._left = 0  # octets of it to come
        self._passed = 0  # octets of it since the last sign of life
        self.divert: Divert | None = None

    def __len__(self) -> int:
        """Octets that wait to be read."""
        return len(self._buffer) - self._at + self._queued

    @property
    def unfinished(self) -> Unfinished | None:
        """A literal that is not whole."""
        if self._literal is None:
            return None
        here = 0 if self._is_passed_on else len(self)
        before = b"".join(piece for piece in self._segments if isinstance(piece, bytes))
        return Unfinished(before, self._literal.size, self._literal.size - self._left + here)

    def feed(self, octets: bytes) -> None:
        """Take octets from the server."""
        self._incoming.append(octets)
        self._queued += len(octets)

    def take_rest(self) -> bytes:
        """All octets that were not read; they are not what they seemed (RFC 4978 §3)."""
        self._join()
        rest, self._buffer, self._at, self._scanned = self._buffer[self._at :], b"", 0, 0
        return rest

    def stop_diverting(self) -> None:
        """From now on long literals are dropped, the present one too."""
        self.divert = None
        if self._literal is not None:
            self._literal.discard()

    def next_frame(self) -> ServerFrame | None:
        """The next response; None: it has not arrived whole. Raises BadFrame."""
        if self._incoming:
            self._join()
        while True:
            if self._literal is not None and not self._take_literal(self._literal):
                return self._sign_of_life()
            start = self._at
            buffer = self._buffer
            newline = buffer.find(b"\n", self._scanned)
            if newline < 0:
                self._scanned = len(buffer)
            if (newline if newline >= 0 else len(buffer)) - start > self._limits.max_line_octets:
                raise BadFrame("A line of the other server's answer is too long.")
            if newline < 0:
                return None
            end = newline - 1 if buffer[start:newline].endswith(b"\r") else newline
            line = buffer[start:end]
            self._at = self._scanned = newline + 1
            if line[-1:] == b"}" and self._begin_literal(line):
                continue
            if not self._segments:
                return (line,)
            frame = (*self._segments, line)
            self._segments, self._held = [], 0
            return frame

    # Inside

    @property
    def _is_passed_on(self) -> bool:
        literal = self._literal
        return literal is not None and literal.size > self._limits.held_literal_octets

    def _join(self) -> None:
        if self._at < len(self._buffer):
            self._buffer = b"".join((self._buffer[self._at :], *self._incoming))
        else:
            self._buffer = b"".join(self._incoming)
        self._scanned -= self._at
        self._at = 0
        self._incoming, self._queued = [], 0

    def _begin_literal(self, line: bytes) -> bool:
        """Whether the line ends with the announcement of a literal."""
        brace = line.rfind(b"{")
        digits = line[brace + 1 : -1].removesuffix(b"+")
        if brace < 0 or not digits.isdigit() or (not self._segments and _TEXT.match(line)):
            return False
        limits = self._limits
        if len(digits) > _MOST_DIGITS:
            raise BadFrame("The other server announces a literal of impossible length.")
        size = int(digits)
        self._held += len(line) + (size if size <= limits.held_literal_octets else 0)
        if self._held > limits.max_response_octets or len(self._segments) > _MAX_SEGMENTS:
            raise BadFrame("The other server's answer is too long.")
        literal = ServerLiteral(size, binary=line[brace - 1 : brace] == b"~")
        if size > limits.held_literal_octets:
            if size > limits.max_skipped_octets:
                raise BadFrame(f"The other server announces a message of {size} octets.")
            literal.sink = self.divert(line, size) if self.divert is not None else None
        self._segments.append(line)
        self._literal, self._left, self._passed = literal, size, 0
        return True

    def _take_literal(self, literal: ServerLiteral) -> bool:
        """Whether it is whole now."""
        at = self._at
        if not self._is_passed_on:
            if len(self._buffer) - at < self._left:
                return False
            literal.octets = self._buffer[at : at + self._left]
            self._at = at + self._left
        else:
            piece = self._buffer[at : at + self._left]
            self._at = at + len(piece)
            self._left -= len(piece)
            self._passed += len(piece)
            if literal.sink is not None:
                _write(literal, literal.sink, piece)
        self._scanned = self._at
        if self._is_passed_on and self._left:
            return False
        self._segments.append(literal)
        self._literal = None
        self._left = 0
        return True

    def _sign_of_life(self) -> ServerFrame | None:
        if self._passed < _SIGN_OF_LIFE:
            return None
        self._passed = 0
        return GOING_ON


def _write(literal: ServerLiteral, sink: Sink, piece: bytes) -> None:
    try:
        sink.write(piece)
    except PillarboxError as error:
        literal.trouble = error
        literal.discard()
