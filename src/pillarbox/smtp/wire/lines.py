"""Command lines are cut here, without grammar (RFC 5321 §2.3.8, §4.5.3.1.4). Sans-IO.

Only CR LF ends a line. A line that holds any other CR or LF is a fault, and so is one that is
longer than the reader's limit; an overlong line is skipped to its end in bounded memory.
"""

from __future__ import annotations

from enum import Enum, auto

_CR = 0x0D


class LineFault(Enum):
    OVERLONG = auto()  # skipped; the next line may be read
    BARE_NEWLINE = auto()  # nothing that follows may be read as a command


class LineReader:
    """Octets in, lines out; any chunking gives the same lines."""

    def __init__(self, max_octets: int) -> None:
        self._max_octets = max_octets  # with the CR LF
        self._buffer = b""
        self._at = 0
        self._skipping = False

    def __len__(self) -> int:
        """Octets that wait, not yet given out as lines."""
        return len(self._buffer) - self._at

    def feed(self, octets: bytes) -> None:
        """Take octets from the peer."""
        self._buffer = self._buffer[self._at :] + octets if len(self) else octets
        self._at = 0

    def take_rest(self) -> bytes:
        """Give out all that waits as it is: message octets, or what stood behind STARTTLS."""
        rest = self._buffer[self._at :]
        self._buffer, self._at = b"", 0
        return rest

    def next_line(self) -> bytes | LineFault | None:
        """The next line without its CR LF; None: it has not arrived whole."""
        start = self._at
        newline = self._buffer.find(b"\n", start)
        if newline < 0:
            if len(self) > self._max_octets:
                self._skip()
            return None
        if newline == start or self._buffer[newline - 1] != _CR:
            return LineFault.BARE_NEWLINE
        self._at = newline + 1
        if self._skipping or self._at - start > self._max_octets:
            self._skipping = False
            return LineFault.OVERLONG
        line = self._buffer[start : newline - 1]
        return LineFault.BARE_NEWLINE if b"\r" in line else line

    def _skip(self) -> None:
        """Forget an overlong line so far, but for a CR that an LF may follow."""
        self._skipping = True
        self._buffer = b"\r" if self._buffer.endswith(b"\r") else b"x"
        self._at = 0
