"""The model test's mailboxes as JMAP means them: an Email is in several, with one set of keywords.

Works on the same dictionaries as `mail_oracle.Oracle`. New places get their UIDs when IMAP tells
them (`settle`), since JMAP tells none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from support.mail_oracle import DELETED, Box, Kept, Oracle

INBOX, TRASH = "INBOX", "Trash"
PLANS = 9
UNREAD = ("$seen", "$draft")  # an Email that has one of them is not unread


@dataclass(frozen=True, slots=True)
class Place:
    """An Email in a mailbox."""

    box: str
    uid: int
    kept: Kept

    @property
    def is_shown(self) -> bool:
        r"""False: \\Deleted is for IMAP alone (RFC 8621 §4.1.1)."""
        return DELETED not in self.kept.flags


@dataclass(frozen=True, slots=True)
class Email:
    """What a JMAP client sees of one."""

    mailboxes: frozenset[str]
    keywords: frozenset[str]

    @property
    def is_unread(self) -> bool:
        """By the keywords of all its places together."""
        return self.keywords.isdisjoint(UNREAD)


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for: keywords and mailboxes, whole or in part."""

    more_flags: frozenset[str] = frozenset()
    fewer_flags: frozenset[str] = frozenset()
    flags: frozenset[str] | None = None  # in place of all
    more_boxes: frozenset[str] = frozenset()
    fewer_boxes: frozenset[str] = frozenset()
    boxes: frozenset[str] | None = None  # in place of all


@dataclass(frozen=True, slots=True)
class Former:
    """Where an Email was, in the mailbox's own identity: names change."""

    box: Box
    flags: frozenset[str]


@dataclass(slots=True)
class Emails:
    """Emails by their number in the oracle."""

    oracle: Oracle
    ids: dict[int, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    threads: dict[int, str] = field(default_factory=dict)  # thread ids
    sizes: dict[int, int] = field(default_factory=dict)
    letters: dict[int, int] = field(default_factory=dict)  # where it is not the Email's number
    drafts: set[int] = field(default_factory=set)  # written by this account

    def letter(self, number: int) -> int:
        """Which octets an Email has; they may have come twice."""
        return self.letters.get(number, number)

    def plan(self, number: int) -> str:
        """The subject of its thread; "" for one that is alone."""
        return plan_of(self.letter(number))

    def places(self) -> dict[int, list[Place]]:
        """Of every Email that has any, by mailbox and UID."""
        found: dict[int, list[Place]] = {}
        for name, box in self.oracle.boxes.items():
            for uid, kept in box.kept.items():
                found.setdefault(kept.number, []).append(Place(name, uid, kept))
        return found

    def shown(self) -> dict[int, Email]:
        """What JMAP shows."""
        found = {}
        for number, every in self.places().items():
            visible = [one for one in every if one.is_shown]
            if visible:
                found[number] = Email(
                    frozenset(one.box for one in visible),
                    keywords(flag for one in visible for flag in one.kept.flags),
                )
        return found

    def place(self, box: str, number: int, flags: Iterable[str]) -> None:
        """A new place, whose UID is not known yet."""
        self.oracle.boxes[box].coming.append(Kept(number, frozenset(flags), self.oracle.step))

    def leave(self, places: Iterable[Place]) -> None:
        """Remove places."""
        for one in places:
            self.oracle.expunge(one.box, [one.uid], force=True)

    def mark(self, place: Place, flags: frozenset[str]) -> frozenset[str]:
        """The flags of a place from now on."""
        self.oracle.store(place.box, [place.uid], "", flags)
        return flags

    def update(self, number: int, change: Change) -> bool:
        """What Email/set does; False: it is refused."""
        there = [one for one in self.places().get(number, []) if one.is_shown]
        boxes = {one.box for one in there}
        if change.boxes is None:
            target = (boxes | change.more_boxes) - change.fewer_boxes
        else:
            target = set(change.boxes)
        if not there or not target:
            return False
        for one in there:
            self.mark(one, changed(one.kept.flags, change))
        together = frozenset(flag for one in there for flag in one.kept.flags)
        for box in sorted(target - boxes):
            self.place(box, number, together)
        self.leave(one for one in there if one.box not in target)
        return True

    def destroy(self, number: int) -> bool:
        """All places, also those that are not shown; False: there is nothing to destroy."""
        there = self.places().get(number, [])
        if not any(one.is_shown for one in there):
            return False
        self.leave(there)
        return True

    def settle(self, box: str, told: Mapping[int, str]) -> None:
        """New places are there, under any UIDs in any order; `told`: UID → Email id."""
        here = self.oracle.boxes[box]
        new = {uid: email for uid, email in told.items() if uid >= here.uid_next}
        waiting, here.coming = here.coming, []
        assert len(new) == len(waiting), f"{box}: {new} came, {waiting} was to come"
        for uid, email in sorted(new.items()):
            number = self.numbers.get(email)
            if number is None:  # only one at a time comes without anybody's telling its id
                (number,) = {one.number for one in waiting if one.number not in self.ids}
                self.learn(number, email)
            kept = next((one for one in waiting if one.number == number), None)
            assert kept is not None, f"{box}: {email} came and was not to come"
            waiting.remove(kept)
            here.kept[uid] = kept
        here.uid_next = max([here.uid_next, *(uid + 1 for uid in new)])

    def learn(self, number: int, email: str) -> None:
        """An Email has one id for ever, and no other has it."""
        assert self.ids.setdefault(number, email) == email
        assert self.numbers.setdefault(email, number) == number


def plan_of(letter: int) -> str:
    """Every second letter is about one of some plans."""
    return f"plan {letter % PLANS}" if letter % 2 else ""


def keywords(flags: Iterable[str]) -> frozenset[str]:
    """As JMAP writes them."""
    return frozenset(flag.lower().replace("\\", "$") for flag in flags if flag != DELETED)


def changed(flags: frozenset[str], change: Change) -> frozenset[str]:
    """One place's flags afterwards."""
    if change.flags is not None:
        return change.flags
    return (flags | change.more_flags) - change.fewer_flags
