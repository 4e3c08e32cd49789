"""POP3 answers (RFC 1939 §3; response codes of RFC 2449 §8, 3206, 6856). Sans-IO."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import StrEnum

END = b".\r\n"
_DOT_LINE = re.compile(rb"\n\.")  # three times as fast as looking by `in`; seldom found
# Behind a dot so many octets are looked through for one that begins a line. Looking for any dot is
# ten times faster than for that, and attachments have none.
_AROUND_DOT = 4096


class Code(StrEnum):
    """Response codes."""

    IN_USE = "IN-USE"
    LOGIN_DELAY = "LOGIN-DELAY"
    AUTH = "AUTH"
    SYS_TEMP = "SYS/TEMP"
    SYS_PERM = "SYS/PERM"
    UTF8 = "UTF8"


@dataclass(frozen=True, slots=True)
class Ok:
    """The first line of a positive answer."""

    text: str = ""

    def encode(self) -> bytes:
        return f"+OK {self.text}\r\n".encode() if self.text else b"+OK\r\n"


@dataclass(frozen=True, slots=True)
class Err:
    """A negative answer; the code tells programs what the text tells people."""

    text: str
    code: Code | None = None

    def encode(self) -> bytes:
        if self.code is None:
            return f"-ERR {self.text}\r\n".encode()
        return f"-ERR [{self.code}] {self.text}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Continue:
    """A challenge within AUTH (RFC 5034 §4)."""

    challenge: bytes

    def encode(self) -> bytes:
        return b"+ " + base64.b64encode(self.challenge) + b"\r\n"


Reply = Ok | Err | Continue


class DotStuffer:
    """A message's octets to the lines of a multi-line answer, in any chunks (RFC 1939 §3).

    A dot is doubled after a bare LF, too: most clients end a line there, and would take such a
    dot for the end of the message.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = b"\n"

    def feed(self, chunk: bytes) -> bytes:
        """The chunk as it is sent."""
        if not chunk:
            return b""
        stuffed = chunk.replace(b"\n.", b"\n..") if _has_dot_line(chunk) else chunk
        if self._last.endswith(b"\n") and chunk.startswith(b"."):
            stuffed = b"." + stuffed
        self._last = chunk[-2:] if len(chunk) > 1 else self._last[-1:] + chunk
        return stuffed

    def finish(self) -> bytes:
        """The end: a line end where the message lacks one, and the final dot."""
        if self._last in (b"\r\n", b"\n"):  # b"\n": nothing was fed
            return END
        return b"\n" + END if self._last.endswith(b"\r") else b"\r\n" + END


def _has_dot_line(chunk: bytes) -> bool:
    """Whether a dot stands behind a line feed."""
    at = chunk.find(b".")
    while at >= 0:
        end = at + _AROUND_DOT
        if _DOT_LINE.search(chunk, max(at - 1, 0), end):
            return True
        at = chunk.find(b".", end)
    return False


class TopCutter:
    """Header, empty line and the first lines of a body, out of chunks (RFC 1939 §7 TOP)."""

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._in_body = False
        # The last octets of the header so far, to find its end across chunks; at first as if
        # behind a line end, since a message may have no header at all.
        self._tail = b"\n"
        self.done = False

    def feed(self, chunk: bytes) -> bytes:
        """What of the chunk belongs to the answer; `done` when no more is wanted."""
        if self.done:
            return b""
        if self._in_body:
            return self._cut_body(chunk, 0)
        start = self._body_start(chunk)
        if start is None:
            return chunk
        self._in_body = True
        return self._cut_body(chunk, start)

    def _body_start(self, chunk: bytes) -> int | None:
        """Where in the chunk the body begins; CRLF CRLF, or what bare LFs make of it."""
        joined = self._tail + chunk
        ends = [
            found + len(mark) for mark in (b"\n\r\n", b"\n\n") if (found := joined.find(mark)) >= 0
        ]
        known = len(self._tail)
        self._tail = joined[-2:]
        if not ends:
            return None
        return min(ends) - known

    def _cut_body(self, chunk: bytes, at: int) -> bytes:
        while self._left:
            end = chunk.find(b"\n", at)
            if end < 0:
                return chunk
            at = end + 1
            self._left -= 1
        self.done = True
        return chunk[:at]
