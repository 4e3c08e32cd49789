"""How often somebody asks for one thing: counted for each account or network, in this worker."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from pillarbox.clock import Clock
from pillarbox.errors import Throttled

_MOST_KNOWN = 16_384  # who is counted; the one that was seen longest ago goes first


class Pace:
    """So often in a time that begins with the first; one for a worker and a thing."""

    def __init__(self, most: int, seconds: float, sentence: str, clock: Clock) -> None:
        """`sentence`: what is told where it is too often."""
        self._most = most
        self._seconds = seconds
        self._sentence = sentence
        self._clock = clock
        self._counted: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def take(self, who: Hashable) -> None:
        """Once more. Raises Throttled."""
        now = self._clock.monotonic()
        began, count = self._counted.pop(who, (now, 0))
        if now - began >= self._seconds:
            began, count = now, 0
        self._counted[who] = (began, count + 1)
        if len(self._counted) > _MOST_KNOWN:
            self._counted.popitem(last=False)
        if count >= self._most:
            raise Throttled(self._sentence)
