"""What a link needs of a protocol: somebody who cuts the peer's octets into frames. Sans-IO."""

from __future__ import annotations

from typing import Protocol, TypeVar

from pillarbox.errors import PillarboxError

F_co = TypeVar("F_co", covariant=True)


class BadFrame(PillarboxError):
    """What came is not of the protocol, or more of it than is kept; the sentence says which."""

    sentence = "The other server's answer cannot be understood."


class FrameReader(Protocol[F_co]):
    """Octets in, frames out; any chunking gives the same frames."""

    def __len__(self) -> int:
        """Octets that wait to be read."""

    def feed(self, octets: bytes) -> None:
        """Take octets from the peer."""

    def next_frame(self) -> F_co | None:
        """The next frame; None: it has not arrived whole. Raises BadFrame."""
