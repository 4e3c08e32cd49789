"""What a process keeps in memory for the next question: what was asked for lately, up to a bound.

One account that is larger than the bound is kept, too, for to read it anew at every question would
cost more than the room; but it drives out a part of what others have, and not all of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_EACH = 32  # messages whose room an entry takes that has none
_LARGE = 4  # no entry counts for more than one of so many parts of the bound


class _Entry(NamedTuple, Generic[V]):
    value: V
    at: int
    size: int


class Recent(Generic[K, V]):
    """The threads of a process share it, and no value in it ever changes."""

    def __init__(self, most: int) -> None:
        """`most`: the sum of the sizes; there may be `_LARGE` entries of any size."""
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._most = most
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: K) -> V | None:
        """As it was kept last."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found.value

    def keep(self, key: K, value: V, at: int, messages: int) -> None:
        """`at`: the moment that it is of; what is of a later one stays."""
        with self._lock:
            before = self._entries.get(key)
            if before is not None and before.at > at:
                return  # somebody with a later snapshot was quicker
            self._drop(key)
            size = min(messages + _EACH, self._most // _LARGE)
            self._entries[key] = _Entry(value, at, size)
            self._size += size
            while self._size > self._most:
                self._drop(next(iter(self._entries)))

    def forget(self, key: K) -> None:
        """It is not there any more, or not worth keeping."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: K) -> None:
        gone = self._entries.pop(key, None)
        if gone is not None:
            self._size -= gone.size
