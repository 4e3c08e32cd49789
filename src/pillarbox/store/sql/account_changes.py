"""What was created, updated and destroyed in an account since a point (RFC 8620 §5.2).

No log is kept. What is there carries the modseq of its last change and that of the write that put
it there, and so do tombstones; from these follows whether something existed at an older modseq.

What IMAP flags \\Deleted went with that, and comes when the flag is taken away (RFC 8621 §4.1.1).
Since when it has the flag is not kept, so it may be uncertain whether there was something at a
point. Then its end is told, perhaps once more, and if it is there it counts as new."""

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


HERE = 1 << 62
# How long one place was there for those who are told: since when for certain (HERE: never), since
# when perhaps, and when it went (HERE: not yet).
Span = tuple[int, int, int]


class _Fate(msgspec.Struct):
    """What is known of one message: of its places then and now."""

    thread: ThreadId
    last: int  # the last change
    spans: list[Span]


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
    """Of the first so many ids, each once; what comes later is not before `until`.

    What went and came again is told as created, since a client may have heard of its end.
    """
    events.sort()
    kinds: dict[int, str] = {}
    until = Point(now)
    more = False
    for at, (_, number, kind) in enumerate(events):
        if number not in kinds and len(kinds) == limit:
            more = True
            last = events[at - 1]
            until = Point(ModSeq(last[0]), last[1])
            break
        if kind != "updated" or number not in kinds:
            kinds[number] = kind
    told: dict[str, list[int]] = {"created": [], "updated": [], "destroyed": []}
    for number, kind in kinds.items():
        told[kind].append(number)
    return Changes(until, more, **told)


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
    events: list[Event] = []
    for message, fate in fates.items():
        for modseq, kind in _happened(fate.spans, since.base(message), fate.last):
            events.append((modseq, message, kind))
    return page(events, now, limit)


def _happened(spans: list[Span], base: int, last: int) -> list[tuple[int, str]]:
    """What a client is told that knows all up to `base`; `last`: the last change.

    What was there and went is told when it went, even if it came again: who asks from a point in
    between sees only what came, and would not hear of the end.
    """
    if len(spans) == 1:
        certain, perhaps, end = spans[0]
        if end < HERE:
            return [(end, "destroyed")] if perhaps <= base else []
        return [(last, "updated")] if certain <= base else [(certain, "created")]
    here = [began for began, end in _stretches([(s[0], s[2]) for s in spans]) if end == HERE]
    if here and here[-1] <= base:
        return [(last, "updated")]
    told = [
        (end, "destroyed")
        for began, end in _stretches([(s[1], s[2]) for s in spans])
        if began <= base < end < HERE
    ]
    if here and here[-1] < HERE:
        told.append((here[-1], "created"))
    return told


def _stretches(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """From when to when something was there, going on from one place to another."""
    found: list[tuple[int, int]] = []
    for began, end in sorted(spans):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((began, end))
    return found


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
        if all(end < HERE or certain > base(message, fate.thread) for certain, _, end in fate.spans)
    ]
    for message, first in await _asked(db, _OLDEST_PLACE, account, asked):
        fates[message].spans.append((first, first, HERE))
    return fates


def _note(
    fates: dict[MessageId, _Fate],
    rows: list[Row],
    base: Callable[[MessageId, ThreadId], int],
) -> None:
    for message, thread, modseq, placed, certain, here in rows:
        if modseq <= base(message, thread):
            continue
        span = (certain, placed, HERE if here else modseq)
        fate = fates.get(message)
        if fate is None:
            fates[message] = _Fate(thread, modseq, [span])
        else:
            fate.last = max(fate.last, modseq)
            fate.spans.append(span)


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
    spans: dict[ThreadId, list[Span]] = {}  # of its messages, also of those that came and went
    for fate in fates.values():
        spans.setdefault(fate.thread, []).extend(fate.spans)
        told = _happened(fate.spans, since.base(fate.thread), fate.last)
        # Who asked for the thread in between may have seen what came and went.
        if not told or any(kind != "updated" for _, kind in told):
            modseqs = [modseq for modseq, _ in told] or [fate.last]
            happened.setdefault(fate.thread, []).extend(modseqs)
    for thread, first in await _asked(db, _OLDEST_IN_THREAD, account, happened):
        spans[ThreadId(thread)].append((first, first, HERE))
    events: list[Event] = []
    for thread, modseqs in happened.items():
        for modseq, kind in _happened(spans[thread], since.base(thread), 0):
            if kind != "updated":
                events.append((modseq, thread, kind))
            else:
                events += [(one, thread, kind) for one in modseqs]
    return page(events, now, limit)
