"""The plainest mail store that could be: dictionaries. The model test holds the server to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

DELETED = "\\Deleted"
SEEN = "\\Seen"


@dataclass(slots=True)
class Kept:
    """A message in a mailbox."""

    number: int  # which sample it is
    flags: frozenset[str]
    touched: int  # the step at which it came or its flags last changed


@dataclass(slots=True)
class Box:
    """A mailbox with its past."""

    uid_validity: int
    uid_next: int = 1
    kept: dict[int, Kept] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)  # UID → step
    highest_modseq: int = 0
    mailbox_id: str = ""  # JMAP's
    coming: list[Kept] = field(default_factory=list)  # whose UIDs no door told yet

    def picture(self) -> dict[int, frozenset[str]]:
        """UID → flags."""
        return {uid: kept.flags for uid, kept in self.kept.items()}


@dataclass(frozen=True, slots=True)
class Grave:
    """A place that a message had."""

    step: int
    box: Box
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What some client may have remembered when it went away."""

    box: str
    uid_validity: int
    step: int
    modseq: int
    picture: dict[int, frozenset[str]]


class Oracle:
    """One account. Every operation is told the step at which it happens by `tick`."""

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {}
        self.graves: dict[int, list[Grave]] = {}  # by message, the oldest first
        self.step = 0

    def tick(self) -> None:
        """The next step begins."""
        self.step += 1

    def add(self, box: str, number: int, flags: Iterable[str] = ()) -> int:
        """A message arrives; its UID."""
        here = self.boxes[box]
        uid = here.uid_next
        here.uid_next += 1
        here.kept[uid] = Kept(number, frozenset(flags), self.step)
        return uid

    def store(self, box: str, uids: Iterable[int], sign: str, flags: Iterable[str]) -> None:
        """+FLAGS, -FLAGS or FLAGS; those that are gone are passed over."""
        for uid in uids:
            kept = self.boxes[box].kept.get(uid)
            if kept is None:
                continue
            given = frozenset(flags)
            now = {"+": kept.flags | given, "-": kept.flags - given, "": given}[sign]
            if now != kept.flags:
                kept.flags, kept.touched = now, self.step

    def expunge(
        self, box: str, uids: Iterable[int] | None = None, *, force: bool = False
    ) -> list[int]:
        """Remove what is \\Deleted, among `uids` if given; `force` does not ask for the flag."""
        here = self.boxes[box]
        chosen = here.kept.keys() if uids is None else here.kept.keys() & set(uids)
        gone = sorted(uid for uid in chosen if force or DELETED in here.kept[uid].flags)
        for uid in gone:
            kept = here.kept.pop(uid)
            self.graves.setdefault(kept.number, []).append(Grave(self.step, here, kept.flags))
            here.expunged[uid] = self.step
        return gone

    def drop(self, box: str) -> None:
        """Delete a mailbox with all that is in it."""
        self.expunge(box, self.boxes[box].kept, force=True)
        del self.boxes[box]

    def copy(self, source: str, uids: Iterable[int], target: str) -> dict[int, int]:
        """Copies in ascending order of UID; source UID → target UID."""
        found = [(uid, self.boxes[source].kept.get(uid)) for uid in sorted(set(uids))]
        return {
            uid: self.add(target, kept.number, kept.flags)
            for uid, kept in found
            if kept is not None
        }

    def move(self, source: str, uids: Iterable[int], target: str) -> dict[int, int]:
        """A copy, and the originals go whatever their flags."""
        moved = self.copy(source, uids, target)
        self.expunge(source, moved, force=True)
        return moved

    def snapshot(self, box: str, modseq: int) -> Snapshot:
        """What a client knows of the mailbox now."""
        here = self.boxes[box]
        return Snapshot(box, here.uid_validity, self.step, modseq, here.picture())

    def changed_since(self, snapshot: Snapshot) -> set[int]:
        """UIDs that are here and are new or have other flags."""
        kept = self.boxes[snapshot.box].kept
        return {uid for uid, one in kept.items() if one.touched > snapshot.step}

    def expunged_since(self, snapshot: Snapshot) -> set[int]:
        """UIDs that went, also those that came in between."""
        gone = self.boxes[snapshot.box].expunged
        return {uid for uid, step in gone.items() if step > snapshot.step}
