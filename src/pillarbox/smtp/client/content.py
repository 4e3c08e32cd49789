"""A message's octets as they go out: line ends mended, dots stuffed, cut into chunks. Sans-IO."""

from __future__ import annotations

from pillarbox.message.line_ends import LineEnds


class DotStuffer:
    """A dot more before each line that begins with one (RFC 5321 §4.5.2)."""

    def __init__(self) -> None:
        self._lines = LineEnds()
        self._tail = b"\r\n"  # the last two octets sent: DATA's line end at first

    def feed(self, piece: bytes) -> bytes:
        """The octets to send."""
        piece = self._lines.feed(piece)
        return self._stuff(piece) if piece else b""

    def finish(self) -> bytes:
        """What is left, and the end of data."""
        return self._lines.finish() + b".\r\n"

    def _stuff(self, piece: bytes) -> bytes:
        tail, self._tail = self._tail, (self._tail + piece[-2:])[-2:]
        if b"\n." in piece:
            piece = piece.replace(b"\r\n.", b"\r\n..")
        # LineEnds holds a CR back until its LF is there, so lines begin behind a whole pair.
        return b"." + piece if tail == b"\r\n" and piece[:1] == b"." else piece


def encode_bdat(octets: bytes, *, last: bool) -> bytes:
    """One chunk with its command (RFC 3030 §2)."""
    return b"BDAT %d%s\r\n%b" % (len(octets), b" LAST" if last else b"", octets)
