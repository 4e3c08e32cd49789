"""What a mail store does, in the plainest Python: the truth that the store is held against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

SEEN = 1
DELETED = 8


@dataclass(frozen=True)
class Place:
    """A message in a mailbox."""

    letter: int
    flags: int = 0
    keywords: frozenset[str] = frozenset()


@dataclass
class Box:
    """A mailbox: its places by UID, and the highest UID that was ever given out."""

    places: dict[int, Place] = field(default_factory=dict)
    last_uid: int = 0

    def add(self, place: Place) -> int:
        self.last_uid += 1
        self.places[self.last_uid] = place
        return self.last_uid


class Oracle:
    """An account."""

    def __init__(self, names: list[str]) -> None:
        self.boxes: dict[str, Box] = {name: Box() for name in names}
        self.letters = 0

    def append(self, name: str, flags: int, keywords: frozenset[str]) -> int:
        self.letters += 1
        return self.boxes[name].add(Place(self.letters, flags, keywords))

    def change(
        self, name: str, uids: set[int], how: str, flags: int, keywords: frozenset[str]
    ) -> set[int]:
        """The UIDs whose places differ afterwards."""
        places = self.boxes[name].places
        changed = set()
        for uid in uids & places.keys():
            old = places[uid]
            if how == "add":
                new = replace(old, flags=old.flags | flags, keywords=old.keywords | keywords)
            elif how == "remove":
                new = replace(old, flags=old.flags & ~flags, keywords=old.keywords - keywords)
            else:
                new = replace(old, flags=flags, keywords=keywords)
            if new != old:
                places[uid] = new
                changed.add(uid)
        return changed

    def copy(self, source: str, uids: set[int], target: str) -> list[tuple[int, int]]:
        """Pairs of old and new UIDs."""
        there = sorted(uids & self.boxes[source].places.keys())
        found = [(uid, self.boxes[source].places[uid]) for uid in there]
        return [(uid, self.boxes[target].add(place)) for uid, place in found]

    def move(self, source: str, uids: set[int], target: str) -> list[tuple[int, int]]:
        pairs = self.copy(source, uids, target)
        for uid, _ in pairs:
            del self.boxes[source].places[uid]
        return pairs

    def expunge(self, name: str, uids: set[int] | None, force: bool) -> list[int]:
        places = self.boxes[name].places
        gone = sorted(
            uid
            for uid, place in places.items()
            if (uids is None or uid in uids)
            and (place.flags & DELETED or (force and uids is not None))
        )
        for uid in gone:
            del places[uid]
        return gone

    def counters(self, name: str) -> tuple[int, int, int]:
        """Messages, unseen, deleted."""
        places = self.boxes[name].places.values()
        return (
            len(places),
            sum(not place.flags & SEEN for place in places),
            sum(bool(place.flags & DELETED) for place in places),
        )
