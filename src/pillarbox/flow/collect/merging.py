"""Both sides of a folder and what they last agreed on: what each of them lacks. Pure.

A bit or a word that differs from what was agreed on was changed on that side, and the change goes
to the other. Both sides cannot have changed one to different values, so there is nothing to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from pillarbox.flow.collect.keywords import ALL_FLAGS, normal_keywords, without
from pillarbox.flow.collect.source import FlagsNow
from pillarbox.ids import MessageId
from pillarbox.store.model import Placed
from pillarbox.store.sql.collected import SeenFlags, SeenKey

# A folder of which this few are left may lose all of them without a question.
_FEW = 3


class Marks(Struct, frozen=True):
    """Flags and keywords of a message on one side."""

    flags: int
    keywords: str  # sorted, separated by one space

    def is_like(self, other: Marks) -> bool:
        """Keywords have no case."""
        return self.flags == other.flags and (
            self.keywords == other.keywords or _words(self.keywords) == _words(other.keywords)
        )


def _words(keywords: str) -> set[str]:
    return set(keywords.lower().split())


def merge(agreed: Marks, here: Marks, there: Marks) -> Marks:
    """What both sides should have."""
    changed = agreed.flags ^ there.flags
    flags = (here.flags & ~changed) | (there.flags & changed)
    spelled = {word.lower(): word for word in f"{there.keywords} {here.keywords}".split()}
    before, ours, theirs = _words(agreed.keywords), _words(here.keywords), _words(there.keywords)
    kept = {
        word
        for word in ours | theirs
        if word in (theirs if (word in theirs) != (word in before) else ours)
    }
    return Marks(flags, " ".join(sorted(spelled[word] for word in kept)))


class Merged(Struct):
    """What is to be done in one folder so that both sides are alike."""

    here: list[tuple[Placed, Marks]] = field(default_factory=list)
    there: list[FlagsNow] = field(default_factory=list)
    agreed: list[SeenFlags] = field(default_factory=list)  # once `here` and `there` are done
    gone_there: list[SeenKey] = field(default_factory=list)  # still here
    gone_here: list[str] = field(default_factory=list)  # listed keys, still there
    forgotten: list[str] = field(default_factory=list)  # on neither side any more
    total: int = 0  # messages that were brought and are left on either side


class Sides(Struct, frozen=True):
    """What is known of a folder; rows by their key at the source."""

    rows: Mapping[str, SeenKey]
    there: Mapping[str, FlagsNow]
    here: Mapping[tuple[int, MessageId], Placed]  # by mailbox and message
    label: str  # that only we put on messages
    fit: Callable[[str], str]  # keywords that there is room for here
    one_way: bool = False  # the source is followed, whatever happened here


def compare(sides: Sides) -> Merged:
    """Nothing for what was not brought."""
    merged = Merged()
    for key, row in sides.rows.items():
        if row.message is None:
            continue
        placed = sides.here.get((row.mailbox, row.message))
        now = sides.there.get(key)
        if placed is None and now is None:
            merged.forgotten.append(key)
            continue
        merged.total += 1
        if now is None:
            merged.gone_there.append(row)
        elif placed is None:
            merged.gone_here.append(key)
        else:
            _compare_marks(merged, sides, row, placed, now)
    return merged


def _compare_marks(
    merged: Merged, sides: Sides, row: SeenKey, placed: Placed, now: FlagsNow
) -> None:
    there = Marks(now.flags & ALL_FLAGS, normal_keywords(now.keywords))
    agreed = Marks(row.flags, row.keywords)
    here = Marks(placed.flags, without(placed.keywords, sides.label))
    if here == there == agreed:  # nearly every message
        return
    wanted = there if sides.one_way else merge(agreed, here, there)
    wanted_here = Marks(wanted.flags, sides.fit(wanted.keywords))
    if not wanted_here.is_like(here):
        labelled = _with(wanted_here.keywords, placed.keywords, sides.label)
        merged.here.append((placed, Marks(wanted.flags, labelled)))
    if not sides.one_way and not wanted.is_like(there):
        merged.there.append(FlagsNow(now.key, wanted.flags, wanted.keywords))
    if not wanted_here.is_like(agreed):
        merged.agreed.append(SeenFlags(row.key, wanted.flags, wanted_here.keywords))


def _with(keywords: str, before: str, label: str) -> str:
    """The label stays on the message if it is there."""
    if label and label.lower() in _words(before):
        return " ".join(sorted({*keywords.split(), label}))
    return keywords


def is_too_much(count: int, total: int, unasked: int, percent: int) -> bool:
    """Whether so many deletions look like a broken side rather than like someone's wish."""
    if count == total and total > _FEW:
        return True
    return count > max(unasked, total * percent // 100)


def by_place(mailbox: int, placed: Iterable[Placed]) -> dict[tuple[int, MessageId], Placed]:
    """For `Sides.here`."""
    return {(mailbox, one.message): one for one in placed}
