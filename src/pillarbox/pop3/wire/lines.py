"""Lines out of a stream, without grammar (RFC 1939 §3). Sans-IO.

A bare LF ends a line, too: people type at this protocol, and nothing here can be smuggled by it.
"""

from __future__ import annotations


class LineTooLong(Exception):
    """The peer sent more octets than a line may have; the line is dropped."""


class LineCutter:
    """Feed it octets in any chunks; `next_line` gives whole lines without their ends."""

    def __init__(self, longest: int) -> None:
        self.longest = longest  # octets, line end included; may be changed at any time
        self._buffer = bytearray()
        self._start = 0  # of the first line not yet given out
        self._skipping = False  # the rest of a line that was too long

    @property
    def waiting(self) -> int:
        """Octets fed and not yet given out."""
        return len(self._buffer) - self._start

    @property
    def has_line(self) -> bool:
        """Whether `next_line` would give a line or raise."""
        if self._buffer.find(b"\n", self._start) >= 0:
            return True
        return self.waiting > self.longest and not self._skipping

    def feed(self, octets: bytes) -> None:
        """Take what arrived."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += octets
        if self._skipping:
            self._skip()

    def next_line(self) -> bytes | None:
        """The next whole line, None when there is none yet. Raises LineTooLong once for each."""
        end = self._buffer.find(b"\n", self._start)
        if end < 0:
            if self.waiting > self.longest:
                self._skipping = True
                self._drop()
                raise LineTooLong
            return None
        line = bytes(self._buffer[self._start : end])
        self._start = end + 1
        if len(line) >= self.longest:
            raise LineTooLong
        return line[:-1] if line.endswith(b"\r") else line

    def _skip(self) -> None:
        """Throw away up to the end of the line that was too long."""
        end = self._buffer.find(b"\n", self._start)
        if end < 0:
            self._drop()
            return
        self._skipping = False
        self._start = end + 1

    def _drop(self) -> None:
        self._buffer.clear()
        self._start = 0
