"""The messages of an account, or of a mailbox, in the order of their arrival, kept in memory.

Nearly all lists are in this order, and to read it anew takes some 60 ms for 100,000 messages. What
is kept is brought up to date by what changed since, which takes a millisecond.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Mapping
from typing import TypeAlias

import msgspec

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.database import Reader, Value
from pillarbox.store.search.changed import Changed, are_many, changed_since
from pillarbox.store.search.recent import Recent
from pillarbox.store.sql import placements
from pillarbox.store.sql.account_changes import Point, check_point
from pillarbox.store.sql.changes import account_modseq

Numbers: TypeAlias = "array[int]"
Scope = tuple[AccountId, MailboxId | None]  # None: the whole account

_MOST_MESSAGES = 1_000_000  # in all that is kept; 16 octets each
_SPLICED = 16  # one change in so many messages is quicker put in by itself than with all of them
_FEW = 100  # changes that are cheaper to put in than to read even a small mailbox anew

# Arrival and id as one number: Python sorts 100,000 such in a third of the time that SQLite takes
# for the two. What arrived before 1965 or after 2101 has no room in it.
_FIRST_ARRIVAL, _LAST_ARRIVAL = -(1 << 31), (1 << 31) - 1
_READ = """
    SELECT json_group_array(
            (max(-2147483648, min(2147483647, received_at - 2000000000)) << 32) | message_id),
        json_group_array(thread_id)
    FROM {places} WHERE account_id = ?1 AND {which}
"""
_ALL_PLACES = "placement{index}"
_SHOWN_PLACES = "(SELECT * FROM placement{index} WHERE flags & 8 = 0)"
_THESE = "message_id IN (SELECT value FROM json_each(?2))"
_BY_MESSAGE = " INDEXED BY placement_message"  # SQLite would look through all of the account
_KEYS = """
    SELECT message_id,
        (max(-2147483648, min(2147483647, received_at - 2000000000)) << 32) | message_id
    FROM message WHERE account_id = ?1 AND message_id IN (SELECT value FROM json_each(?2))
"""
_MAILBOX = "SELECT modseq FROM mailbox WHERE account_id = ? AND mailbox_id = ?"
# Beyond the first few, a mailbox that is kept would spare little.
_LARGEST = """
    SELECT mailbox_id FROM mailbox WHERE account_id = ? AND messages > 0
    ORDER BY messages DESC LIMIT 5
"""
_numbers = msgspec.json.Decoder(list[int]).decode


class Arrivals(msgspec.Struct, frozen=True):
    """The oldest first, as they were at a modseq; the arrays are side by side."""

    modseq: ModSeq
    keys: Numbers  # arrival and message as one number
    messages: Numbers
    threads: Numbers


class KeptArrivals(Recent[Scope, Arrivals]):
    """Of the accounts of one process."""

    def __init__(self, most: int = _MOST_MESSAGES) -> None:
        super().__init__(most)


async def arrivals(db: Reader, kept: KeptArrivals, scope: Scope) -> Arrivals | None:
    """As they are in this snapshot; None where dates are too odd for it. Raises NoSuchAccount."""
    modseq = await account_modseq(db, scope[0])
    known = kept.find(scope)
    if known is not None and known.modseq == modseq:
        return known
    made = None
    if scope[1] is not None:
        row = await db.row(_MAILBOX, scope)
        if row is None:  # it went, or its UIDs ran out and it has another id now
            kept.forget(scope)
            return _made({}, modseq)
        if known is not None and row[0] <= known.modseq < modseq:
            made = msgspec.structs.replace(known, modseq=modseq)
    if made is None and known is not None:
        made = await _brought_up(db, scope, known, modseq)
    if made is None:
        made = await _read(db, kept, scope, modseq)
    if _is_odd(made):
        kept.forget(scope)
        return None
    kept.keep(scope, made, modseq, len(made.keys))
    return made


async def arrivals_of(db: Reader, account: AccountId, messages: Collection[int]) -> Arrivals | None:
    """The same of a few messages, from their rows. Raises NoSuchAccount."""
    modseq = await account_modseq(db, account)
    these = msgspec.json.encode(list(messages)).decode()
    made = _made(await _of_places(db, account, _THESE, these, index=_BY_MESSAGE), modseq)
    return None if _is_odd(made) else made


def _is_odd(made: Arrivals) -> bool:
    ends = {made.keys[at] >> 32 for at in (0, -1)} if made.keys else set()
    return bool(ends & {_FIRST_ARRIVAL, _LAST_ARRIVAL})


async def _brought_up(db: Reader, scope: Scope, known: Arrivals, modseq: ModSeq) -> Arrivals | None:
    """None: what changed is not known, or very much."""
    account, mailbox = scope
    try:
        await check_point(db, account, Point(known.modseq))
    except CannotCalculateChanges:
        return None
    if await are_many(db, account, known.modseq, len(known.keys) // _SPLICED + _FEW):
        return None
    changed = await changed_since(db, account, known.modseq)
    touched = {number: one for number, one in changed.items() if _is_touched(one, mailbox)}
    keys: dict[int, int] = dict(
        await db.rows(_KEYS, (account, msgspec.json.encode(list(touched)).decode()))
    )
    if len(keys) != len(touched):
        return None
    places = {
        keys[number]: one.thread if _is_in(one.after, mailbox) else None
        for number, one in touched.items()
    }
    return _spliced(known, places, modseq)


def _is_touched(one: Changed, mailbox: MailboxId | None) -> bool:
    return one.is_doubtful or _is_in(one.before, mailbox) != _is_in(one.after, mailbox)


def _is_in(mailboxes: set[int], mailbox: MailboxId | None) -> bool:
    return bool(mailboxes) if mailbox is None else mailbox in mailboxes


async def _read(db: Reader, kept: KeptArrivals, scope: Scope, modseq: ModSeq) -> Arrivals:
    """All from the rows; of an account only those that a mailbox that is known has not."""
    account, mailbox = scope
    if mailbox is not None:
        return _made(await _of_places(db, account, "mailbox_id = ?2", mailbox), modseq)
    for (largest,) in await db.rows(_LARGEST, (account,)):
        if kept.find((account, largest)) is None:
            continue
        inside = await arrivals(db, kept, (account, largest))
        if inside is not None:
            others = await _of_places(db, account, "mailbox_id <> ?2", largest)
            return _spliced(inside, others, modseq)
    return _made(await _of_places(db, account, "true"), modseq)


async def _of_places(
    db: Reader, account: AccountId, which: str, *params: Value, index: str = ""
) -> dict[int, int]:
    """Threads by key; one that is in two places is there once."""
    hides = await placements.hides_any(db, account)
    places = (_SHOWN_PLACES if hides else _ALL_PLACES).format(index=index)
    row = await db.row(_READ.format(places=places, which=which), (account, *params))
    keys, threads = map(_numbers, row or ("[]", "[]"))
    return dict(zip(keys, threads, strict=True))


def _made(threads: Mapping[int, int], modseq: ModSeq) -> Arrivals:
    keys = array("q", sorted(threads))
    return _arrivals(keys, array("I", map(threads.__getitem__, keys)), modseq)


def _spliced(known: Arrivals, places: Mapping[int, int | None], modseq: ModSeq) -> Arrivals:
    """The same with other places: a thread is put in, or stays, and None is left out."""
    if not places:
        return msgspec.structs.replace(known, modseq=modseq)
    if len(places) * _SPLICED > len(known.keys):
        threads: dict[int, int | None] = dict(zip(known.keys, known.threads, strict=True))
        threads.update(places)
        return _made({key: one for key, one in threads.items() if one is not None}, modseq)
    keys, threads_of = array("q"), array("I")
    at = 0
    for key in sorted(places):
        end = bisect_left(known.keys, key, at)
        keys += known.keys[at:end]
        threads_of += known.threads[at:end]
        at = end + (end < len(known.keys) and known.keys[end] == key)
        thread = places[key]
        if thread is not None:
            keys.append(key)
            threads_of.append(thread)
    return _arrivals(keys + known.keys[at:], threads_of + known.threads[at:], modseq)


def _arrivals(keys: Numbers, threads: Numbers, modseq: ModSeq) -> Arrivals:
    # The ids are the lower half of each number: no step of Python for each.
    halves = array("I", keys.tobytes())
    return Arrivals(modseq, keys, halves[sys.byteorder == "big" :: 2], threads)
