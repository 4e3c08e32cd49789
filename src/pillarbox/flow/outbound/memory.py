"""What is remembered of single servers for some minutes."""

from __future__ import annotations

from collections import OrderedDict

from pillarbox.clock import Clock


class Marks:
    """Names with the instant at which their mark is forgotten; bounded, in memory only."""

    def __init__(self, clock: Clock, seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()

    def put(self, name: str) -> None:
        """Mark it anew."""
        self._until[name] = self._clock.monotonic() + self._seconds
        self._until.move_to_end(name)
        while len(self._until) > self._most:
            self._until.popitem(last=False)

    def clear(self, name: str) -> None:
        """Take the mark away."""
        self._until.pop(name, None)

    def __contains__(self, name: str) -> bool:
        until = self._until.get(name)
        if until is None:
            return False
        if self._clock.monotonic() < until:
            return True
        del self._until[name]
        return False
