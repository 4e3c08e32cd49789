"""Sets of records that were asked for lately. Bounded in number and in octets."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from msgspec import Struct

from pillarbox.dns.errors import Why

Key = tuple[str, str]  # name and type; type ANY is "this name does not exist"

_ENTRY_OCTETS = 400  # of Python's objects around the records themselves


class Cached(Struct, frozen=True):
    """One set of records, an absence (no records), or a failure (`why`)."""

    records: tuple[Any, ...]
    exists: bool
    authentic: bool
    until: float  # on the monotonic clock
    why: Why | None = None


class Cache:
    """Least recently used first out. What is over its time is as good as absent."""

    def __init__(self, entries: int, octets: int) -> None:
        self._max_entries = entries
        self._max_octets = octets
        self._kept: OrderedDict[Key, tuple[Cached, int]] = OrderedDict()
        self._octets = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def octets(self) -> int:
        """About how much memory the sets take."""
        return self._octets

    def find(self, key: Key, now: float) -> Cached | None:
        """What is known and still true."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept[0].until <= now:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def keep(self, key: Key, cached: Cached) -> None:
        """Replaces what was known."""
        self._forget(key)
        size = _ENTRY_OCTETS + len(key[0]) + sum(map(_size, cached.records))
        self._kept[key] = cached, size
        self._octets += size
        while self._kept and (
            len(self._kept) > self._max_entries or self._octets > self._max_octets
        ):
            self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all, as after a change of the resolvers."""
        self._kept.clear()
        self._octets = 0

    def _forget(self, key: Key) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._octets -= gone[1]


def _size(record: Any) -> int:
    """Octets of a record, roughly: the long ones are text and certificates."""
    text = record if isinstance(record, (bytes, str)) else getattr(record, "association", b"")
    return 100 + len(text)
