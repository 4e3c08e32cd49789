"""Octets → lines and literals, without grammar (RFC 9051 §2.2, §4.3; RFC 7888; RFC 3516 §4).

A command is framed whole before anything of it is parsed, so a malformed one can be skipped, a
literal is never read as a command, and memory is bounded here and nowhere else. Sans-IO: `feed`
octets, then pull events one at a time until there is none.

A line ends with CRLF. A bare LF is taken too (people type at a server by hand); a CR anywhere
else stays in the line, where the reader refuses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

_LITERAL_AT_END = re.compile(rb"(~?)\{([0-9]{1,19})(\+?)\}\Z")
_BROKEN_LITERAL_AT_END = re.compile(rb"\{[0-9]{20,}\+\}\Z")
_TAG = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+(?= |\Z)")
_TAIL = 64  # octets of a skipped line that are kept, to see a literal's size at its end


@dataclass(frozen=True, slots=True)
class FramingLimits:
    """What one command may cost in memory."""

    line: int = 65_536  # octets of one line; RFC 7162 §4 wants at least 8192 for sequence sets
    literal: int = 1_048_576  # octets of one literal that is kept in memory
    command: int = 2_097_152  # octets of all lines and kept literals of a command
    literals: int = 1_000  # literals in one command
    unsolicited: int = 0  # largest literal sent without asking first ({n+}); 0: no own limit
    skipped: int = 134_217_728  # octets of a refused command that are read and dropped


@dataclass(frozen=True, slots=True)
class Literal:
    """Octets that came as a literal; those of a diverted one were handed out before."""

    octets: bytes
    size: int
    binary: bool = False  # ~{n}: may hold NUL (RFC 3516 §4.1)
    diverted: bool = False


Segment = bytes | Literal


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole command: line pieces with the literals between them, line ends removed."""

    segments: tuple[Segment, ...]

    @property
    def line(self) -> bytes:
        """The first line: the whole of a SASL response or of IDLE's DONE."""
        first = self.segments[0]
        assert isinstance(first, bytes)
        return first


@dataclass(frozen=True, slots=True)
class WantLiteral:
    """A literal is announced; answer with `accept`, `divert` or `refuse` of the framer."""

    size: int
    sync: bool  # the client waits for "+" before it sends the octets
    binary: bool
    segments: tuple[Segment, ...]  # the command so far


@dataclass(frozen=True, slots=True)
class LiteralChunk:
    """Some octets of a diverted literal."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class LiteralEnd:
    """All octets of a diverted literal were handed out."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """A limit was met: answer BAD under `tag` (None: none could be read); the rest is skipped."""

    tag: bytes | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Hopeless:
    """More would have to be skipped than is reasonable: say BYE and close."""

    sentence: str


Event = Framed | WantLiteral | LiteralChunk | LiteralEnd | TooLong | Hopeless


def tag_of(segments: tuple[Segment, ...]) -> bytes | None:
    """The tag that a broken command began with, so that BAD can carry it."""
    if segments and isinstance(segments[0], bytes):
        found = _TAG.match(segments[0])
        if found is not None:
            return found[0]
    return None


class _At(Enum):
    LINE = auto()
    DECIDE = auto()  # a literal was announced, nobody has said what to do with it
    KEEP = auto()
    DIVERT = auto()
    SKIP_LINE = auto()
    SKIP_LITERAL = auto()
    DEAD = auto()


class Framer:
    """Cuts one connection's octets into commands; any chunking gives the same events."""

    def __init__(self, limits: FramingLimits | None = None) -> None:
        self.limits = limits or FramingLimits()  # may be replaced at any time
        self._buffer = bytearray()
        self._scanned = 0  # octets of the buffer known to hold no LF
        self._segments: list[Segment] = []
        self._held = 0  # octets in _segments
        self._literals = 0
        self._wanted: WantLiteral | None = None
        self._binary = False
        self._left = 0  # octets of the present literal that are still to come
        self._skipped = 0
        self._trouble: TooLong | None = None
        self._at = _At.LINE

    @property
    def pending(self) -> bool:
        """Whether there are unread octets or half a command."""
        return bool(self._buffer) or bool(self._segments) or self._at is not _At.LINE

    @property
    def _skipping(self) -> bool:
        return self._at in (_At.SKIP_LINE, _At.SKIP_LITERAL)

    def feed(self, octets: bytes) -> None:
        """Take octets in as they arrive."""
        if self._at is not _At.DEAD:
            self._buffer += octets

    def leftover(self) -> bytes:
        """Take back all unread octets (before STARTTLS, COMPRESS)."""
        octets = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        return octets

    def next_event(self) -> Event | None:
        """The next thing that the octets so far hold; None: more are needed."""
        while True:
            trouble = self._take_trouble()
            if trouble is not None:
                return trouble
            match self._at:
                case _At.LINE:
                    event = self._line()
                    return event if event is not None else self._take_trouble()
                case _At.DECIDE:
                    self.accept()
                case _At.KEEP:
                    if len(self._buffer) < self._left:
                        return None
                    self._keep()
                case _At.DIVERT:
                    return self._chunk()
                case _At.SKIP_LINE | _At.SKIP_LITERAL:
                    event = self._skip()
                    if event is not None or self._skipping:
                        return event
                case _At.DEAD:
                    return None

    # What to do with an announced literal

    def accept(self) -> bool:
        """Keep the literal as part of the command; False: it is too large and `TooLong` follows."""
        wanted = self._take_wanted()
        limits = self.limits
        if (
            wanted.size > limits.literal
            or self._held + wanted.size > limits.command
            or (limits.unsolicited and not wanted.sync and wanted.size > limits.unsolicited)
        ):
            self._give_up(
                wanted.sync, wanted.size, f"A literal of {wanted.size} octets is too large."
            )
            return False
        self._left = wanted.size
        self._binary = wanted.binary
        self._at = _At.KEEP
        return True

    def divert(self) -> None:
        """Hand the literal's octets out as they come instead of keeping them."""
        wanted = self._take_wanted()
        self._segments.append(Literal(b"", wanted.size, wanted.binary, diverted=True))
        self._left = wanted.size
        self._at = _At.DIVERT

    def refuse(self) -> None:
        """The caller has answered NO or BAD: drop the rest of the command, also midway."""
        if self._at is _At.DIVERT:
            self._forget(_At.SKIP_LITERAL)
            return
        wanted = self._take_wanted()
        if wanted.sync:  # a client that waited sends no octet of it
            self._forget(_At.LINE)
        else:
            self._left = wanted.size
            self._forget(_At.SKIP_LITERAL)

    def _take_trouble(self) -> TooLong | None:
        trouble, self._trouble = self._trouble, None
        return trouble

    def _take_wanted(self) -> WantLiteral:
        wanted, self._wanted = self._wanted, None
        if wanted is None:
            raise RuntimeError("no literal was announced")
        return wanted

    # Lines

    def _line(self) -> Event | None:
        line = self._cut_line()
        if line is None:
            return None
        found = _LITERAL_AT_END.search(line) if line.endswith(b"}") else None
        if found is None:
            if line.endswith(b"+}") and _BROKEN_LITERAL_AT_END.search(line):
                return self._die("A literal's size is out of range.")
            self._segments.append(line)
            framed = Framed(tuple(self._segments))
            self._forget(_At.LINE)
            return framed
        self._segments.append(line[: found.start()])
        self._literals += 1
        size, sync = int(found[2]), not found[3]
        if self._literals > self.limits.literals:
            self._give_up(sync, size, "There are too many literals in one command.")
            return None
        self._wanted = WantLiteral(size, sync, bool(found[1]), tuple(self._segments))
        self._at = _At.DECIDE
        return self._wanted

    def _cut_line(self) -> bytes | None:
        """One line without its end; None: it is not whole, or too long and `_trouble` is set."""
        buffer = self._buffer
        end = buffer.find(b"\n", self._scanned)
        too_long = (end if end >= 0 else len(buffer)) > self.limits.line
        if too_long or (end >= 0 and self._held + end > self.limits.command):
            # For the tag; no more than any chunking has here, so that all give the same.
            self._segments.append(bytes(buffer[: min(_TAIL, self.limits.line)]))
            self._trouble = TooLong(tag_of(tuple(self._segments)), "The command is too long.")
            self._forget(_At.SKIP_LINE)
            return None
        if end < 0:
            self._scanned = len(buffer)
            return None
        line = bytes(buffer[: end - 1 if end and buffer[end - 1] == 0x0D else end])
        del buffer[: end + 1]
        self._scanned = 0
        self._held += len(line)
        return line

    # Literals

    def _keep(self) -> None:
        octets = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._held += self._left
        self._segments.append(Literal(octets, self._left, self._binary))
        self._at = _At.LINE

    def _chunk(self) -> Event | None:
        if not self._left:
            self._at = _At.LINE
            return LiteralEnd()
        if not self._buffer:
            return None
        if len(self._buffer) <= self._left:
            octets = self.leftover()
        else:
            octets = bytes(self._buffer[: self._left])
            del self._buffer[: self._left]
        self._left -= len(octets)
        return LiteralChunk(octets)

    # What is dropped

    def _give_up(self, sync: bool, size: int, sentence: str) -> None:
        self._trouble = TooLong(tag_of(tuple(self._segments)), sentence)
        self._left = size
        # A client that waited for "+" sees the answer and sends no octet of the literal.
        self._forget(_At.LINE if sync else _At.SKIP_LITERAL)

    def _skip(self) -> Event | None:
        """Drop octets of a refused command until its end, which leads back to LINE."""
        while True:
            if self._at is _At.SKIP_LITERAL:
                if self._skipped + self._left > self.limits.skipped:
                    return self._die("The command is too long to be skipped.")
                dropped = min(self._left, len(self._buffer))
                self._left -= dropped
                self._drop(dropped)
                if self._left:
                    return None
                self._at = _At.SKIP_LINE
            end = self._buffer.find(b"\n")
            if end < 0:
                self._drop(max(0, len(self._buffer) - _TAIL))
                if self._skipped > self.limits.skipped:
                    return self._die("The command is too long to be skipped.")
                return None
            tail = bytes(self._buffer[max(0, end - _TAIL) : end]).removesuffix(b"\r")
            self._drop(end + 1)
            found = _LITERAL_AT_END.search(tail)
            if found is not None and found[3]:
                self._left = int(found[2])
                self._at = _At.SKIP_LITERAL
                continue
            if tail.endswith(b"+}") and _BROKEN_LITERAL_AT_END.search(tail):
                return self._die("A literal's size is out of range.")
            self._skipped = 0
            self._at = _At.LINE
            return None

    def _drop(self, octets: int) -> None:
        del self._buffer[:octets]
        self._skipped += octets

    def _die(self, sentence: str) -> Hopeless:
        # What follows could be a literal's octets: reading it as commands would obey the mail.
        self._forget(_At.DEAD)
        self._buffer.clear()
        return Hopeless(sentence)

    def _forget(self, at: _At) -> None:
        """Begin anew: with the next command, or with dropping the rest of this one."""
        self._segments.clear()
        self._held = self._literals = self._scanned = 0
        self._wanted = None
        self._at = at
