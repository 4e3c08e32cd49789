"""A message without some of its header fields, piece by piece. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pillarbox.message.part import Octets

_STEP = 256 * 1024  # octets moved at a time


def without(octets: Octets, size: int, cut: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The octets outside the spans `cut`, which ascend and do not overlap."""
    at = 0
    for start, end in (*cut, (size, size)):
        while at < start:
            stop = min(at + _STEP, start)
            yield octets[at:stop]
            at = stop
        at = end
