"""What became of TLS in our sessions, counted for the reports of RFC 8460."""

from __future__ import annotations

from functools import partial

import msgspec

from pillarbox.clock import Clock, unix_seconds
from pillarbox.errors import PillarboxError
from pillarbox.store import Store
from pillarbox.store.sql import transport
from pillarbox.telemetry.log import get_logger
from pillarbox.trust.tls_rpt.tally import SessionResult

log = get_logger("outbound")

MOST_HELD = 10_000  # kinds of results between two writes; others choose our peers
_MAX_REASON = 200  # characters
_DAY = 86_400


class TlsResults:
    """Counts in memory, and from time to time in the store."""

    def __init__(self, store: Store, clock: Clock, *, seconds: float, days: int) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._days = days
        self._counts: dict[tuple[int, SessionResult], int] = {}
        self._written = clock.monotonic()

    def note(self, result: SessionResult) -> None:
        """One session."""
        if len(result.reason) > _MAX_REASON:
            result = msgspec.structs.replace(result, reason=result.reason[:_MAX_REASON])
        key = (unix_seconds(self._clock.now()) // _DAY, result)
        if key in self._counts or len(self._counts) < MOST_HELD:
            self._counts[key] = self._counts.get(key, 0) + 1

    async def maintain(self) -> None:
        """Write what has come together, when it is time."""
        if self._clock.monotonic() - self._written >= self._seconds:
            await self.write()

    async def write(self) -> None:
        """Write it now; what is older than wanted goes."""
        counts, self._counts = self._counts, {}
        self._written = self._clock.monotonic()
        if not counts:
            return
        day = unix_seconds(self._clock.now()) // _DAY
        try:
            await self._store.write(
                partial(transport.add_results, counts=counts, before=day - self._days)
            )
        except PillarboxError as error:
            log.warning_event("outbound.results_lost", why=str(error))
