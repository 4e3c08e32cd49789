"""What was created, updated and destroyed in an account since a point (RFC 8620 §5.2).

No log is kept. What is there carries the modseq of its last change and that of the write that put
it there, and so do tombstones; from these follows whether something existed at an older modseq.

What IMAP flags \\Deleted went with that, and comes when the flag is taken away (RFC 8621 §4.1.1).
Since when it has the flag is not kept, so it may be uncertain whether there was something at a
point. Then its end is told, perhaps once more, and if it is there it counts as new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import msgspec

from pillarbox.errors import CannotCalculateChanges, NoSuchAccount
from pillarbox.ids import AccountId, MessageId, ModSeq, ThreadId
from pillarbox.store.database import Reader, Row

_ASKED_AT_ONCE = 5_000  # ids in one statement


class Point(msgspec.Struct, frozen=True):
    """All up to a modseq is known; of that very write only what has an id up to `through`.

    One write may change more than an answer may hold: a modseq alone is too coarse to go on from.
    """

    modseq: ModSeq
    through: int | None = None  # None: all of the write

    @property
    def floor(self) -> int:
        """The modseq that everything is known of."""
        return self.modseq if self.through is None else self.modseq - 1

    def base(self, number: int) -> int:
        """The modseq up to which one thing is known."""
        is_open = self.through is not None and number > self.through
        return self.modseq - 1 if is_open else self.modseq


class Changes(msgspec.Struct, frozen=True):
    """Ids by what became of them, in the order in which it happened."""

    until: Point
    more: bool
    created: list[int]
    updated: list[int]
    destroyed: list[int]


class _Fate(msgspec.Struct):
    """What is known of one message: of its places then and now."""

    thread: ThreadId
    last: int  # the last change
    first: int  # since when it was there for certain
    perhaps: int  # since when it may have been there
    here: bool
    # Of several places: since when each was one, and its last change.
    spans: list[tuple[int, int]] | None = None


Event = tuple[int, int, str]  # modseq, id, "created" …


_MODSEQS = "SELECT modseq, pruned_modseq FROM account WHERE account_id = ?"


async def check_point(db: Reader, account: AccountId, since: Point) -> ModSeq:
    """The account's modseq now; raises CannotCalculateChanges, NoSuchAccount."""
    row = await db.row(_MODSEQS, (account,))
    if row is None:
        raise NoSuchAccount
    if not row[1] <= since.floor <= since.modseq <= row[0]:
        raise CannotCalculateChanges
    return ModSeq(row[0])


def page(events: list[Event], now: ModSeq, limit: int) -> Changes:
    """The first so many; none that comes later is before `until`."""
    events.sort()
    more = len(events) > limit
    del events[limit:]
    until = Point(ModSeq(events[-1][0]), events[-1][1]) if more else Point(now)
    kinds: dict[str, list[int]] = {"created": [], "updated": [], "destroyed": []}
    for _, number, kind in events:
        kinds[kind].append(number)
    return Changes(until, more, **kinds)


_PLACED = """
    SELECT p.message_id, p.thread_id, p.modseq, p.placed_modseq,
        iif(p.flags & 8, 1 << 62, max(p.placed_modseq, p.shown_modseq)), p.flags & 8 = 0
    FROM mailbox b CROSS JOIN placement p USING (account_id, mailbox_id)
    WHERE b.account_id = ?1 AND b.modseq > ?2 AND p.modseq > ?2
"""
_GONE = """
    SELECT e.message_id, 0, e.modseq, e.placed_modseq,
        iif(e.flags & 8, 1 << 62, max(e.placed_modseq, e.shown_modseq)), 0
    FROM (SELECT mailbox_id FROM mailbox WHERE account_id = ?1 AND modseq > ?2
            UNION SELECT mailbox_id FROM mailbox_gone WHERE account_id = ?1 AND modseq > ?2) b
        CROSS JOIN expunged e USING (mailbox_id)
    WHERE e.account_id = ?1 AND e.modseq > ?2
"""
_GONE_WITH_THREADS = """
    SELECT e.message_id, m.thread_id, e.modseq, e.placed_modseq,
        iif(e.flags & 8, 1 << 62, max(e.placed_modseq, e.shown_modseq)), 0
    FROM (SELECT mailbox_id FROM mailbox WHERE account_id = ?1 AND modseq > ?2
            UNION SELECT mailbox_id FROM mailbox_gone WHERE account_id = ?1 AND modseq > ?2) b
        CROSS JOIN expunged e USING (mailbox_id)
        CROSS JOIN message m ON m.account_id = ?1 AND m.message_id = e.message_id
    WHERE e.account_id = ?1 AND e.modseq > ?2
"""
_OLDEST_PLACE = """
    SELECT message_id, min(max(placed_modseq, shown_modseq)) FROM placement
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?)) AND flags & 8 = 0
    GROUP BY message_id
"""


async def email_changes(db: Reader, account: AccountId, since: Point, limit: int) -> Changes:
    """Of messages: one exists while it has a place.

    Raises CannotCalculateChanges when tombstones that are needed are gone.
    """
    now = await check_point(db, account, since)
    if since == Point(now):
        return page([], now, limit)
    fates = await _fates(db, account, since, _GONE, lambda message, _: since.base(message))
    events = [
        event
        for message, fate in fates.items()
        if (event := _event(message, fate, since.base(message)))
    ]
    return page(events, now, limit)


def _event(message: MessageId, fate: _Fate, base: int) -> Event | None:
    if fate.here:
        is_new = fate.first > base
        return (fate.first, message, "created") if is_new else (fate.last, message, "updated")
    if fate.perhaps > base:
        return None
    ended = fate.last if fate.spans is None else _ended(fate.spans, base)
    return (ended, message, "destroyed")


def _ended(spans: list[tuple[int, int]], base: int) -> int:
    """When that went which was there at `base`, with the places that it had gone on to.

    What happened to others later does not count: who asks from a point in between sees only those,
    and would not hear of the end.
    """
    end = base
    for began, last in sorted(spans):
        if began <= end:
            end = max(end, last)
    return end


async def _fates(
    db: Reader,
    account: AccountId,
    since: Point,
    gone: str,
    base: Callable[[MessageId, ThreadId], int],
) -> dict[MessageId, _Fate]:
    """The messages that anything happened to."""
    fates: dict[MessageId, _Fate] = {}
    placed = await db.rows(_PLACED, (account, since.floor))
    _note(fates, placed, base)
    _note(fates, await db.rows(gone, (account, since.floor)), base)
    # Other places, where nothing happened, may have kept it; or it may have had them before.
    asked = [
        message
        for message, fate in fates.items()
        if not fate.here or fate.first > base(message, fate.thread)
    ]
    for message, first in await _asked(db, _OLDEST_PLACE, account, asked):
        fate = fates[message]
        fate.here = True
        fate.first = min(fate.first, first)
    return fates


def _note(
    fates: dict[MessageId, _Fate],
    rows: list[Row],
    base: Callable[[MessageId, ThreadId], int],
) -> None:
    for message, thread, modseq, placed, certain, here in rows:
        if modseq <= base(message, thread):
            continue
        fate = fates.get(message)
        if fate is None:
            fate = fates[message] = _Fate(thread, modseq, certain, placed, here=False)
        elif fate.spans is None:
            fate.spans = [(fate.perhaps, fate.last), (placed, modseq)]
        else:
            fate.spans.append((placed, modseq))
        fate.last = max(fate.last, modseq)
        fate.first = min(fate.first, certain)
        fate.perhaps = min(fate.perhaps, placed)
        fate.here = fate.here or bool(here)


async def _asked(db: Reader, sql: str, account: AccountId, numbers: Iterable[int]) -> list[Row]:
    wanted, found = list(numbers), []
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        found += await db.rows(sql, (account, json.dumps(wanted[start : start + _ASKED_AT_ONCE])))
    return found


_OLDEST_IN_THREAD = """
    SELECT thread_id, min(max(placed_modseq, shown_modseq)) FROM placement
    WHERE account_id = ? AND thread_id IN (SELECT value FROM json_each(?)) AND flags & 8 = 0
    GROUP BY thread_id
"""


async def thread_changes(db: Reader, account: AccountId, since: Point, limit: int) -> Changes:
    """Of threads, which change when a message joins or leaves them (RFC 8621 §3.2).

    Raises CannotCalculateChanges.
    """
    now = await check_point(db, account, since)
    if since == Point(now):
        return page([], now, limit)
    fates = await _fates(
        db, account, since, _GONE_WITH_THREADS, lambda _, thread: since.base(thread)
    )
    happened: dict[ThreadId, list[int]] = {}
    first: dict[ThreadId, int] = {}  # of its messages, also of those that came and went
    for message, fate in fates.items():
        first[fate.thread] = min(fate.first, first.get(fate.thread, fate.first))
        event = _event(message, fate, since.base(fate.thread))
        if event and event[2] != "updated":
            happened.setdefault(fate.thread, []).append(event[0])
    oldest: dict[ThreadId, int] = dict(await _asked(db, _OLDEST_IN_THREAD, account, happened))
    events: list[Event] = []
    for thread, modseqs in happened.items():
        began = min(first[thread], oldest.get(thread, first[thread]))
        existed = began <= since.base(thread)
        if thread not in oldest:
            events.append((max(modseqs), thread, "destroyed"))
        elif existed:
            events.append((max(modseqs), thread, "updated"))
        else:
            events.append((began, thread, "created"))
    return page(events, now, limit)
