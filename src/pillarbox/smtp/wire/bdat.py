"""BDAT chunks: so many octets, then the next command (RFC 3030 §2). Sans-IO."""

from __future__ import annotations


class BdatReader:
    """One message's chunks, counted; text is watched for bare newlines, binary is not."""

    def __init__(self, *, binary: bool) -> None:
        self._binary = binary
        self._left = 0
        self._ends_with_cr = False
        self.last = False
        self.bare_newline = False

    @property
    def chunk_done(self) -> bool:
        return self._left == 0

    def begin(self, size: int, *, last: bool) -> None:
        """A BDAT command announced `size` octets."""
        self._left = size
        self.last = last

    def feed(self, octets: bytes) -> tuple[bytes, bytes]:
        """Return (message octets, octets past this chunk)."""
        taken = octets[: self._left]
        self._left -= len(taken)
        if not self._binary:
            self._watch(taken)
        return taken, octets[len(taken) :]

    def finish(self) -> None:
        """The last chunk is in: a CR that still waits for its LF was bare."""
        self.bare_newline |= self._ends_with_cr

    def _watch(self, octets: bytes) -> None:
        """Note a CR or LF on its own; a pair may be cut by a chunk's edge."""
        if not octets:
            return
        text = b"\r" + octets if self._ends_with_cr else octets
        self._ends_with_cr = text.endswith(b"\r")
        pairs = text.count(b"\r\n")
        if text.count(b"\r") - self._ends_with_cr != pairs or text.count(b"\n") != pairs:
            self.bare_newline = True
