"""COMPRESS=DEFLATE's two streams (RFC 4978), with bounded memory whatever the peer sends."""

from __future__ import annotations

import zlib

_RAW_DEFLATE = -15


class Deflate:
    """Deflates what goes out; inflates what came in, a bounded piece at a time."""

    def __init__(self, level: int, piece: int) -> None:
        self._out = zlib.compressobj(level, zlib.DEFLATED, _RAW_DEFLATE)
        self._in = zlib.decompressobj(_RAW_DEFLATE)
        self._piece = piece
        self._waiting = b""
        self._held_back = False  # a whole piece came out last time: there may be more inside
        self.broken = False

    @property
    def has_more(self) -> bool:
        """Whether `take` may have something."""
        return not self.broken and bool(self._waiting or self._held_back)

    def compress(self, octets: bytes) -> bytes:
        """Deflated, and flushed so that the peer can read all of it."""
        return self._out.compress(octets) + self._out.flush(zlib.Z_SYNC_FLUSH)

    def feed(self, octets: bytes) -> None:
        """Keep what came in."""
        self._waiting += octets

    def take(self) -> bytes:
        """The next octets, inflated; b"": none are whole. `broken` is set when it is no deflate."""
        if not self.has_more:
            return b""
        try:
            octets = self._in.decompress(self._waiting, self._piece)
        except zlib.error:
            self.broken = True
            return b""
        self._waiting = self._in.unconsumed_tail
        self._held_back = len(octets) >= self._piece
        if self._in.eof:
            self.broken = True
        return octets
