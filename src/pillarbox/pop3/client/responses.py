"""Answers of another POP3 server, cut from octets (RFC 1939 §3). Sans-IO.

An answer's first line says whether it goes well; which answers have more lines is known only to
who asked, so each command that is sent is announced by `expect`. Long answers come in pieces with
their dots unstuffed and are never whole in memory.

A bare LF ends a line here: many clients do so, which is why servers stuff dots behind one, too, and
some servers send nothing else.
"""

from __future__ import annotations

import re
from collections import deque

import msgspec

from pillarbox.net.outgoing.frames import BadFrame
from pillarbox.net.outgoing.printable import printable

_STATUS = re.compile(rb"(\+OK|-ERR)(?:[ \t]+(.*)|)", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"\[([A-Za-z0-9][A-Za-z0-9/._-]{0,62})\][ ]?")  # RFC 2449 §8
_DOT_LINE = re.compile(rb"\n\.")  # twice as fast as looking by `find`
_END = re.compile(rb"\n\.\r?\n")
# Ends of a chunk that may be the beginning of the last line, longest first.
_BEGINNINGS = (b"\n.\r", b"\n.", b"\n")


class BadResponse(BadFrame):
    """What came is no POP3 answer, or more of one than is kept."""

    sentence = "The other server's answer is no POP3."


class Status(msgspec.Struct, frozen=True):
    """The first line of an answer."""

    ok: bool
    text: str = ""  # without the response code
    code: str = ""  # "IN-USE", "SYS/TEMP", …; "" where there is none


class Challenge(msgspec.Struct, frozen=True):
    """The server's part of signing in (RFC 5034 §4), in base64 still."""

    line: bytes


class Piece(msgspec.Struct, frozen=True):
    """Octets of a long answer."""

    octets: bytes
    last: bool


Response = Status | Challenge | Piece


class ResponseReader:
    """Octets in, responses out; any chunking gives the same octets."""

    def __init__(self, *, max_line_octets: int) -> None:
        self._max_line = max_line_octets
        self._buffer = b""
        self._at = 0
        self._expected: deque[bool] = deque()
        self._in_body = False
        self._skip = 0  # octets at `_at` that are not the body's: the line end before it

    def expect(self, *, body: bool) -> None:
        """One more answer is to come; `body`: it has more lines when it goes well."""
        self._expected.append(body)

    @property
    def awaited(self) -> int:
        """Answers that have not come, or not to their end."""
        return len(self._expected)

    def __len__(self) -> int:
        """Octets that wait to be read."""
        return max(len(self._buffer) - self._at - self._skip, 0)

    def feed(self, octets: bytes) -> None:
        """Take octets from the peer."""
        self._buffer = self._buffer[self._at :] + octets if self._at < len(self._buffer) else octets
        self._at = 0

    def next_frame(self) -> Response | None:
        """The next response; None: there is none yet. Raises BadResponse."""
        return self._next_piece() if self._in_body else self._next_line()

    def _next_line(self) -> Response | None:
        start = self._at
        newline = self._buffer.find(b"\n", start)
        if (newline if newline >= 0 else len(self._buffer)) - start >= self._max_line:
            raise BadResponse("A line of the other server's answer is too long.")
        if newline < 0:
            return None
        self._at = newline + 1
        line = self._buffer[start:newline].removesuffix(b"\r")
        if line[:1] == b"+" and line[1:2] in (b" ", b""):
            return Challenge(line[2:].strip())
        status = parse_status(line)
        body = self._expected[0] if self._expected else False
        if status.ok and body:
            self._in_body = True
            self._at, self._skip = newline, 1
        elif self._expected:
            self._expected.popleft()
        return status

    def _next_piece(self) -> Piece | None:
        buffer, start = self._buffer, self._at
        dot = _DOT_LINE.search(buffer, start)
        end = None if dot is None else _END.search(buffer, dot.start())
        if end is not None:
            text = buffer[start + self._skip : end.start() + 1]
            self._at, self._in_body = end.end(), False
            self._expected.popleft()
        else:
            cut = len(buffer) - _length_held(buffer)
            if cut <= start + self._skip:
                return None
            # The line feed that was kept to see a dot behind it is no part of the body.
            text = buffer[start + self._skip : cut]
            self._at = cut
        if dot is not None:
            text = _unstuffed(text, at_line_start=self._skip > 0)
        self._skip = 0
        return Piece(text, end is not None)


def parse_status(line: bytes) -> Status:
    """Raises BadResponse."""
    found = _STATUS.fullmatch(line)
    if found is None:
        raise BadResponse
    ok = found[1][:1] == b"+"
    text = printable(found[2] or b"")
    code = None if ok else _CODE.match(text)
    if code is not None:
        return Status(ok, text[code.end() :], code[1].upper())
    return Status(ok, text)


def _length_held(buffer: bytes) -> int:
    for beginning in _BEGINNINGS:
        if buffer.endswith(beginning):
            return len(beginning)
    return 0


def _unstuffed(text: bytes, *, at_line_start: bool) -> bytes:
    text = text.replace(b"\n.", b"\n")
    return text[1:] if at_line_start and text[:1] == b"." else text
