"""Text brought to CR LF line ends, in steps (RFC 5321 §2.3.8).

A CR or LF on its own becomes a line end: another server might take it for one, and see an end of
data where we saw text ("SMTP smuggling", CVE-2023-51764 and kin).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class LineEnds:
    """Text in pieces → the same with CR LF for every line end."""

    def __init__(self) -> None:
        self._held_cr = False
        self._at_line_start = True

    def feed(self, piece: bytes) -> bytes:
        """What can be given on; a CR at the end waits for its LF."""
        if self._held_cr:
            piece = b"\r" + piece
        self._held_cr = piece.endswith(b"\r")
        if self._held_cr:
            piece = piece[:-1]
        if not piece:
            return b""
        pairs = piece.count(b"\r\n")
        if piece.count(b"\n") != pairs or piece.count(b"\r") != pairs:
            piece = _BARE.sub(b"\r\n", piece)
        self._at_line_start = piece.endswith(b"\n")
        return piece

    def finish(self, *, whole_line: bool = True) -> bytes:
        """What stands behind the last piece; `whole_line`: the last line is to have an end."""
        if self._held_cr or (whole_line and not self._at_line_start):
            self._held_cr, self._at_line_start = False, True
            return b"\r\n"
        return b""


def with_line_ends(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces mended; the last line stays unfinished if it was."""
    lines = LineEnds()
    for piece in pieces:
        if mended := lines.feed(piece):
            yield mended
    if rest := lines.finish(whole_line=False):
        yield rest
