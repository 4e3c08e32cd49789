"""How many connections a destination gets: more with each success, half with each trouble."""

from __future__ import annotations

from collections import OrderedDict


class Pace:
    """What this worker has learnt of destinations and servers; bounded, in memory only."""

    def __init__(self, *, first: int, most: int, remembered: int) -> None:
        self._first = min(first, most)
        self._most = most
        self._remembered = remembered
        self._allowed: OrderedDict[str, int] = OrderedDict()

    def lanes(self, key: str) -> int:
        """Connections that may be in use at once."""
        return self._allowed.get(key, self._first)

    def went_well(self, key: str) -> None:
        """Messages went out."""
        self._set(key, min(self.lanes(key) + 1, self._most))

    def went_badly(self, key: str) -> None:
        """It broke off, or is too busy."""
        self._set(key, max(self.lanes(key) // 2, 1))

    def has_no_room(self, key: str, in_use: int) -> None:
        """It took so many connections and not one more."""
        self._set(key, max(min(in_use, self.lanes(key)), 1))

    def _set(self, key: str, allowed: int) -> None:
        self._allowed[key] = allowed
        self._allowed.move_to_end(key)
        while len(self._allowed) > self._remembered:
            self._allowed.popitem(last=False)
