"""A long file seen through a short window, by offsets from its begin.

Not mapped into memory: a mapped file that somebody cuts short ends the whole process.
"""

from __future__ import annotations

from typing import Protocol

_MARGIN = 64  # octets before what is asked for: whoever reads on looks back a little


class Readable(Protocol):
    """What is read: a file, or an entry of an archive that was unpacked."""

    def seek(self, offset: int, /) -> int:
        """From the begin."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` octets; none at the end."""


class Window:
    """Octets by offset; one piece of the file is in memory, or what was last asked for."""

    def __init__(self, file: Readable, size: int, piece: int) -> None:
        self._file = file
        self._piece = piece
        self._start = 0
        self._held = b""
        self.size = size

    def slice(self, start: int, end: int) -> bytes:
        """Octets [start, end), cut to what there is."""
        end = min(end, self.size)
        if start >= end:
            return b""
        if start < self._start or end > self._start + len(self._held):
            self._load(start, max(end - start, self._piece))
        return self._held[start - self._start : end - self._start]

    def find(self, pattern: bytes, start: int, end: int | None = None) -> int:
        """The offset of the first occurrence that begins and ends in [start, end); -1: none."""
        end = self.size if end is None else min(end, self.size)
        while start + len(pattern) <= end:
            if not self._start <= start <= self._start + len(self._held) - len(pattern):
                self._load(start, max(self._piece, len(pattern)))
                if self._start + len(self._held) < start + len(pattern):
                    return -1  # the file is shorter than it was
            found = self._held.find(pattern, start - self._start, end - self._start)
            if found >= 0:
                return self._start + found
            start = self._start + len(self._held) - len(pattern) + 1
        return -1

    def _load(self, start: int, length: int) -> None:
        margin = min(start, _MARGIN)
        start, length = start - margin, length + margin
        self._file.seek(start)
        pieces: list[bytes] = []
        left = min(length, self.size - start)
        while left > 0 and (piece := self._file.read(left)):
            pieces.append(piece)
            left -= len(piece)
        self._start = start
        self._held = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if left > 0:  # the file is shorter than it was
            self.size = start + len(self._held)
