"""What a worker has taken from the queue and not yet answered for, by destination. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pillarbox.flow.outbound.outcome import Destination, Job
from pillarbox.store.sql.queue_lease import Key, Leased

Lanes = Callable[[Destination], int]


@dataclass(slots=True, eq=False)
class Chunk:
    """Messages that are marked, and then sent, together."""

    track: Track
    leased: dict[Key, Leased]  # those without an outcome

    def jobs(self) -> tuple[Job, ...]:
        """What is still to be sent, recipients of a message together."""
        by_message: dict[int, list[Leased]] = {}
        for one in self.leased.values():
            by_message.setdefault(one.message.id, []).append(one)
        return tuple(
            Job(rows[0].message, tuple(row.recipient for row in rows))
            for rows in by_message.values()
        )


@dataclass(slots=True, eq=False)
class Track:
    """One destination."""

    destination: Destination
    waiting: deque[Leased] = field(default_factory=deque)  # not marked
    marking: int = 0  # chunks whose mark is being written
    ready: deque[Chunk] = field(default_factory=deque)  # marked
    sending: int = 0

    @property
    def begun(self) -> int:
        """Chunks that are marked, or soon are."""
        return self.marking + len(self.ready) + self.sending

    @property
    def idle(self) -> bool:
        """Nothing of it is here."""
        return not (self.waiting or self.begun)


class Backlog:
    """All tracks; hands out chunks in turn, so that no destination waits for another."""

    def __init__(self, messages_per_send: int) -> None:
        self._per_send = messages_per_send
        self._tracks: dict[str, Track] = {}  # by the destination's key, in their turn
        self._unmarked: dict[str, int] = {}  # waiting rows by the queue's lane
        self._all: dict[Key, Leased] = {}

    def add(self, leased: Leased, destination: Destination) -> None:
        """Take it over."""
        track = self._tracks.get(destination.key)
        if track is None:
            track = self._tracks[destination.key] = Track(destination)
        track.waiting.append(leased)
        self._unmarked[leased.lane] = self._unmarked.get(leased.lane, 0) + 1
        self._all[_key(leased)] = leased

    def __len__(self) -> int:
        return len(self._all)

    def keys(self) -> list[Key]:
        """Everything that is leased."""
        return list(self._all)

    @property
    def unmarked(self) -> dict[str, int]:
        """Rows that wait here, by lane of the queue."""
        return self._unmarked

    def to_mark(self, lanes: Lanes, most: int) -> list[Chunk]:
        """Chunks to be marked now: what can be sent at once, and one more for each destination.

        The one more is there when a send ends, so that it need not wait for a commit. At most
        `most` are marked or being sent over all.
        """
        room = most - sum(track.begun for track in self._tracks.values())
        chunks: list[Chunk] = []
        for track in self._tracks.values():
            allowed = lanes(track.destination) + 1
            while track.waiting and track.begun < allowed and len(chunks) < room:
                track.marking += 1
                chunks.append(self._cut(track))
        return chunks

    def _cut(self, track: Track) -> Chunk:
        leased: dict[Key, Leased] = {}
        messages: set[int] = set()
        while track.waiting:
            one = track.waiting[0]
            if one.message.id not in messages and len(messages) >= self._per_send:
                break
            messages.add(one.message.id)
            leased[_key(one)] = track.waiting.popleft()
            self._left(one.lane)
        return Chunk(track, leased)

    def marked(self, chunk: Chunk, kept: Iterable[Key]) -> None:
        """Its mark is committed; what is not among `kept` is this worker's no longer."""
        chunk.track.marking -= 1
        keep = set(kept)
        for key in [key for key in chunk.leased if key not in keep]:
            del chunk.leased[key]
            self._all.pop(key, None)
        if chunk.leased:
            chunk.track.ready.append(chunk)
        self._tidy(chunk.track)

    def not_marked(self, chunk: Chunk) -> None:
        """The mark could not be written: back to those that wait."""
        chunk.track.marking -= 1
        for one in reversed(chunk.leased.values()):
            chunk.track.waiting.appendleft(one)
            self._unmarked[one.lane] = self._unmarked.get(one.lane, 0) + 1

    def to_send(self, lanes: Lanes, room: int) -> Iterator[Chunk]:
        """Chunks that go now, at most `room`; destinations in turn."""
        for key, track in list(self._tracks.items()):
            if track.ready and room > 0:
                self._tracks[key] = self._tracks.pop(key)  # to the end of the line
            while track.ready and track.sending < lanes(track.destination) and room > 0:
                track.sending += 1
                room -= 1
                yield track.ready.popleft()

    def ended(self, chunk: Chunk) -> None:
        """Its send has returned."""
        chunk.track.sending -= 1
        self._tidy(chunk.track)

    def answered(self, key: Key) -> Leased | None:
        """It has an outcome; None when it is not (or no longer) here."""
        return self._all.pop(key, None)

    def withdraw(self, track: Track) -> list[Leased]:
        """Take out all that a destination has here and that is not being sent or marked."""
        gone = [*track.waiting]
        for one in track.waiting:
            self._left(one.lane)
        track.waiting.clear()
        for chunk in track.ready:
            gone += chunk.leased.values()
        track.ready.clear()
        for one in gone:
            self._all.pop(_key(one), None)
        self._tidy(track)
        return gone

    def withdraw_all(self) -> list[Leased]:
        """The same for every destination."""
        return [one for track in list(self._tracks.values()) for one in self.withdraw(track)]

    def _tidy(self, track: Track) -> None:
        if track.idle:
            self._tracks.pop(track.destination.key, None)

    def _left(self, lane: str) -> None:
        left = self._unmarked[lane] - 1
        if left:
            self._unmarked[lane] = left
        else:
            del self._unmarked[lane]


def _key(leased: Leased) -> Key:
    return (leased.recipient.queued, leased.recipient.number)
