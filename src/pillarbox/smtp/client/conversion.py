"""A message made fit for a peer that takes no 8-bit or no binary content (RFC 6152 §3)."""

from __future__ import annotations

import asyncio
import mmap
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Literal

from pillarbox.message.downgrade import CannotConvert, Downgraded, downgrade
from pillarbox.message.part import Octets
from pillarbox.smtp.client.transaction import HeldMessage, MessageSource

__all__ = ["CannotConvert", "converted"]

_IN_MEMORY = 1024 * 1024  # octets of a message that is held; a larger one is mapped from a file


class ConvertedMessage:
    """The rewritten message, made anew each time it is read."""

    def __init__(self, downgraded: Downgraded) -> None:
        self._downgraded = downgraded

    @property
    def size(self) -> int:
        """How many octets there are."""
        return self._downgraded.size

    async def chunks(self) -> AsyncIterator[bytes]:
        """Encoded piece by piece, beside the loop."""
        pieces = self._downgraded.pieces()
        while (piece := await asyncio.to_thread(_next, pieces)) is not None:
            yield piece


async def converted(message: MessageSource, to: Literal["7BIT", "8BITMIME"]) -> MessageSource:
    """The same message in 7-bit, or in 8-bit lines. Raises CannotConvert."""
    octets = await _whole(message)
    if to == "7BIT" and isinstance(octets, bytes) and octets.isascii() and b"\0" not in octets:
        return HeldMessage(octets)
    return ConvertedMessage(await asyncio.to_thread(downgrade, octets, to))


async def _whole(message: MessageSource) -> Octets:
    """All octets: in memory when they are few, else in a file without a name."""
    if message.size <= _IN_MEMORY:
        return b"".join([piece async for piece in message.chunks()])
    with tempfile.TemporaryFile(prefix="pillarbox-convert-") as file:
        async for piece in message.chunks():
            await asyncio.to_thread(file.write, piece)
        file.flush()
        return mmap.mmap(file.fileno(), os.fstat(file.fileno()).st_size, access=mmap.ACCESS_READ)


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)
