"""A client's picture of its selected mailbox, kept from untagged data alone.

It believes nothing but what RFC 9051 §7 lets a client conclude, and raises as soon as the server
says something that can't be: an EXPUNGE of a number that isn't there, an EXISTS that shrinks, a
FETCH whose UID belongs to another sequence number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from support.imap_client import Answer, Untagged


class WrongPicture(AssertionError):
    """The server's data contradict each other."""


@dataclass(slots=True)
class Entry:
    """One message as the client knows it; None where it has not been told."""

    uid: int | None = None
    flags: frozenset[str] | None = None
    modseq: int = 0


@dataclass(slots=True)
class Mirror:
    """The messages by sequence number, and what was seen going."""

    entries: list[Entry] = field(default_factory=list)
    vanished: set[int] = field(default_factory=set)  # UIDs that went while we looked
    highest_modseq: int = 0
    last_exists: int = 0

    def apply(self, answer: Answer | Iterable[Untagged]) -> None:
        """Take in untagged responses in the order in which they came."""
        for one in answer.untagged if isinstance(answer, Answer) else answer:
            match one.values:
                case [number, b"EXISTS"]:
                    self._exists(int(number))
                case [number, b"EXPUNGE"]:
                    self._expunge(int(number))
                case [number, b"FETCH", items]:
                    self._fetch(int(number), items)
                case [b"VANISHED", [b"EARLIER"], _]:
                    pass
                case [b"VANISHED", uids]:
                    self._vanish(uids)

    @property
    def uids(self) -> list[int | None]:
        """UID by position."""
        return [entry.uid for entry in self.entries]

    def picture(self) -> dict[int, frozenset[str]]:
        """UID → flags; raises when something was never told."""
        found: dict[int, frozenset[str]] = {}
        for number, entry in enumerate(self.entries, 1):
            if entry.uid is None or entry.flags is None:
                raise WrongPicture(f"message {number} was announced and never described: {entry}")
            found[entry.uid] = entry.flags
        if list(found) != sorted(found) or len(found) != len(self.entries):
            raise WrongPicture(f"UIDs do not ascend: {self.uids}")
        return found

    def added_silently(self, uid: int, flag: str) -> None:
        """After `+FLAGS.SILENT` the client knows the flag without being told."""
        for entry in self.entries:
            if entry.uid == uid and entry.flags is not None:
                entry.flags |= {flag}

    def unknown(self) -> list[int]:
        """Sequence numbers whose UID or flags have not been told."""
        return [
            number
            for number, entry in enumerate(self.entries, 1)
            if entry.uid is None or entry.flags is None
        ]

    def _exists(self, count: int) -> None:
        if count < len(self.entries):
            raise WrongPicture(f"EXISTS {count} after {len(self.entries)} without EXPUNGE")
        self.entries.extend(Entry() for _ in range(count - len(self.entries)))

    def _expunge(self, number: int) -> None:
        if not 1 <= number <= len(self.entries):
            raise WrongPicture(f"EXPUNGE {number} of {len(self.entries)}")
        gone = self.entries.pop(number - 1)
        if gone.uid is not None:
            self.vanished.add(gone.uid)

    def _vanish(self, uids: bytes) -> None:
        gone = set(parse_set(uids))
        known = {entry.uid for entry in self.entries}
        self.vanished |= gone & {uid for uid in known if uid is not None}
        self.entries = [entry for entry in self.entries if entry.uid not in gone]
        for uid in sorted(gone - known):
            self.entries.pop(self._place_of(uid))

    def _place_of(self, uid: int) -> int:
        """Where a message stands whose UID was not asked for yet: UIDs ascend.

        Of several such neighbours any will do, since nothing is known of them.
        """
        for at, entry in enumerate(self.entries):
            after = [other.uid for other in self.entries[at:] if other.uid is not None]
            before = [other.uid for other in self.entries[:at] if other.uid is not None]
            if entry.uid is None and max(before, default=0) < uid < min(after, default=2**32):
                return at
        raise WrongPicture(f"VANISHED {uid}, which was never announced")

    def _fetch(self, number: int, items: list[Any]) -> None:
        if not 1 <= number <= len(self.entries):
            raise WrongPicture(f"FETCH {number} of {len(self.entries)}")
        entry = self.entries[number - 1]
        for name, value in zip(items[::2], items[1::2], strict=True):
            if name == b"UID":
                self._same_uid(number, entry, int(value))
            elif name == b"FLAGS":
                entry.flags = frozenset(flag.decode() for flag in value) - {"\\Recent"}
            elif name == b"MODSEQ":
                entry.modseq = int(value[0])
                self.highest_modseq = max(self.highest_modseq, entry.modseq)

    def _same_uid(self, number: int, entry: Entry, uid: int) -> None:
        if entry.uid not in (None, uid):
            raise WrongPicture(f"FETCH {number} says UID {uid}, but it was {entry.uid}")
        if uid in self.vanished:
            raise WrongPicture(f"FETCH {number} says UID {uid}, which was expunged before")
        entry.uid = uid


def parse_set(octets: bytes | str) -> list[int]:
    """The numbers of a set without `*`: `1:3,5`."""
    text = octets.decode() if isinstance(octets, bytes) else octets
    found: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        low, high = sorted((int(first), int(last or first)))
        found.extend(range(low, high + 1))
    return found


def format_set(numbers: Iterable[int]) -> str:
    """Numbers as a set, in the order given; neighbours as a range, as a line has an end."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ranges)
