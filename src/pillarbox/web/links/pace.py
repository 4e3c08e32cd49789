"""How often one network asks for links."""

from __future__ import annotations

from collections import OrderedDict

from pillarbox.clock import Clock
from pillarbox.errors import Throttled
from pillarbox.net.limits import network_of

_MINUTE = 60.0
_MOST_KNOWN = 16_384  # networks that are counted; the one that was seen longest ago goes first


class Pace:
    """One for a worker."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._most = per_minute
        self._clock = clock
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, peer: str) -> None:
        """Once more. Raises Throttled."""
        network, now = network_of(peer), self._clock.monotonic()
        began, count = self._counted.pop(network, (now, 0))
        if now - began >= _MINUTE:
            began, count = now, 0
        self._counted[network] = (began, count + 1)
        if len(self._counted) > _MOST_KNOWN:
            self._counted.popitem(last=False)
        if count >= self._most:
            raise Throttled("That is too often. Wait a minute.")
