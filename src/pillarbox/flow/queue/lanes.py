"""Which lanes of the queue have something due, and which are left alone. In memory, no I/O."""

from __future__ import annotations

from collections.abc import Iterable

from pillarbox.flow.queue.retry import Schedule
from pillarbox.store.sql.queue_lease import Ask, DueLane, Stop


class LaneBook:
    """What this worker believes of the queue's lanes; the rows themselves are the truth."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._due: dict[str, None] = {}  # in their turn
        self._stopped: dict[str, int] = {}  # until when, Unix seconds
        self._failures: dict[str, int] = {}  # in a row
        self.next_look = 0  # Unix seconds: something becomes due

    def looked(self, found: Iterable[DueLane], now: int, again_at: int) -> None:
        """All lanes were read."""
        self.next_look = again_at
        self.add(found, now)

    def add(self, found: Iterable[DueLane], now: int) -> None:
        """Some lanes were read."""
        for lane in found:
            if lane.failures:
                self._failures.setdefault(lane.name, lane.failures)
            if lane.due_at > now:
                self.due_later(lane.due_at)
            else:
                self._stopped.pop(lane.name, None)
                self._due.setdefault(lane.name)

    def due_later(self, at: int) -> None:
        """Something is due then."""
        self.next_look = min(self.next_look, at)

    def asks(self, room: int, share: int, unmarked: dict[str, int]) -> list[Ask]:
        """What to lease: from each due lane what lifts it to `share`, in turn, at most `room`.

        A lane that has half its share is not asked again yet: leases come in batches.
        """
        asks: list[Ask] = []
        for lane in list(self._due):
            if room <= 0:
                break
            here = unmarked.get(lane, 0)
            if 2 * here > share:
                continue
            wanted = min(share - here, room)
            asks.append(Ask(lane, wanted))
            room -= wanted
            self._due[lane] = self._due.pop(lane)  # to the end of the line
        return asks

    def leased(self, ask: Ask, count: int) -> None:
        """An ask was answered; fewer than wanted: nothing more of that lane is due."""
        if count < ask.limit:
            self._due.pop(ask.lane, None)

    def unreachable(self, lane: str, why: str, now: int) -> Stop | None:
        """It could not be reached; what to write down. None: that is known already."""
        if self._stopped.get(lane, 0) > now:
            return None
        failures = self._failures.get(lane, 0) + 1
        self._failures[lane] = failures
        until = now + self._schedule.pause(failures)
        self._stopped[lane] = until
        self._due.pop(lane, None)
        self.due_later(until)
        return Stop(lane, until, failures, why)

    def is_stopped(self, lane: str, now: int) -> bool:
        """Whether it is left alone."""
        return self._stopped.get(lane, 0) > now

    def reached(self, lane: str) -> bool:
        """It answered; whether that has to be written down."""
        self._stopped.pop(lane, None)
        return self._failures.pop(lane, 0) > 0

    def steered(self) -> None:
        """Somebody changed the queue: nothing that is believed need be so."""
        self._stopped.clear()
        self.next_look = 0

    @property
    def any_due(self) -> bool:
        """Whether there may be something to lease."""
        return bool(self._due)
