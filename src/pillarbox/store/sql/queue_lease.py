"""Workers take due recipients, mark them before sending, and write down what was answered.

A worker does all of it in one write after another (`turn`), whatever has come together by then:
the ends of what was sent, the marks of what is sent next, and new leases. ADR 0016 says why a
crash at any point loses nothing and where it can send twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import LeasedMessage, LeasedRecipient, RecipientState
from pillarbox.store.sql.queue import get_messages
from pillarbox.store.sql.submission_progress import note_progress

Key = tuple[int, int]  # a recipient: the message's number, its own within it


class DueLane(msgspec.Struct, frozen=True):
    """A lane with something to do, now or later."""

    name: str
    due_at: int  # Unix seconds
    failures: int  # in a row, to reach it at all


_LANES = """
    WITH RECURSIVE found (name) AS (
        SELECT min(lane) FROM queued_recipient WHERE due_at IS NOT NULL AND lane > ?1
        UNION ALL
        SELECT (SELECT min(lane) FROM queued_recipient
                WHERE due_at IS NOT NULL AND lane > found.name)
        FROM found WHERE found.name IS NOT NULL LIMIT ?2
    )
    SELECT found.name,
        (SELECT min(due_at) FROM queued_recipient r
         WHERE r.due_at IS NOT NULL AND r.lane = found.name),
        coalesce(stopped.not_before, 0), coalesce(stopped.failures, 0)
    FROM found LEFT JOIN queue_lane stopped ON stopped.lane = found.name
    WHERE found.name IS NOT NULL
"""
_FRESH = """
    SELECT r.lane, max(min(r.due_at), coalesce(stopped.not_before, 0)),
        coalesce(stopped.failures, 0)
    FROM queued_recipient r LEFT JOIN queue_lane stopped ON stopped.lane = r.lane
    WHERE r.queued_id > ?1 AND +r.due_at IS NOT NULL
    GROUP BY r.lane, +r.due_at <= ?2
    LIMIT ?3
"""  # the + keeps it off the index of all that is due: the newest messages are few
_NEWEST = "SELECT coalesce(max(queued_id), 0) FROM queued"


async def lanes(db: Reader, after: str, limit: int) -> list[DueLane]:
    """Lanes with their next instant, by name; one look into the index for each lane.

    However many recipients wait for a lane, it costs no more than another.
    """
    rows = await db.rows(_LANES, (after, limit))
    return [
        DueLane(name, max(due_at, not_before), failures)
        for name, due_at, not_before, failures in rows
    ]


async def fresh_lanes(db: Reader, after: int, now: int, limit: int) -> list[DueLane]:
    """Lanes of recipients of messages above number `after`.

    A lane is there twice when some are due by now and others are held for later: whoever looks is
    to come back then.
    """
    rows = await db.rows(_FRESH, (after, now, limit))
    return [DueLane(name, due_at, failures) for name, due_at, failures in rows]


async def newest(db: Reader) -> int:
    """The number of the newest message; 0 for an empty queue."""
    row = await db.row(_NEWEST)
    return int(row[0]) if row is not None else 0


class Ask(msgspec.Struct, frozen=True):
    """How much of a lane a worker wants."""

    lane: str
    limit: int


class Leased(msgspec.Struct, frozen=True):
    """A recipient that is now this worker's, with its message."""

    message: LeasedMessage
    recipient: LeasedRecipient
    lane: str


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt did to a recipient."""

    key: Key
    state: RecipientState  # WAITING: later again
    due_at: int | None  # for WAITING
    reply: str
    status: str = ""
    remote_mta: str = ""
    tls: str = ""
    uncertain: bool = False
    report: str = ""  # what the sender is to be told now; "" for nothing


class Stop(msgspec.Struct, frozen=True):
    """A lane of which nothing is to be tried for a while."""

    lane: str
    not_before: int
    failures: int
    why: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """All that a worker writes at once."""

    worker: str
    until: int  # end of the leases that are taken or renewed here
    finished: Sequence[Finish] = ()
    start: Sequence[Key] = ()
    give_back: Sequence[tuple[Key, int]] = ()  # unsent, with the instant when they are due
    renew: Sequence[Key] = ()
    stop: Sequence[Stop] = ()
    resume: Sequence[str] = ()  # lanes that answer again
    ask: Sequence[Ask] = ()


class Turned(msgspec.Struct, frozen=True):
    """What a turn brought."""

    started: frozenset[Key]  # the others of `start` are this worker's no longer
    leased: tuple[Leased, ...]


async def turn(tx: Transaction, wanted: Turn) -> Turned:
    """One write of a worker. Each part is a statement; of `ask` each lane is one."""
    await _finish(tx, wanted)
    await _give_back(tx, wanted)
    if wanted.renew:
        params = (wanted.until, wanted.worker, tx.now(), json.dumps(wanted.renew))
        await tx.run(_RENEW, params)
    await _stop_and_resume(tx, wanted)
    started = await _start(tx, wanted)
    if wanted.finished or started:
        touched = [one.key for one in wanted.finished] + list(started)
        await note_progress(tx, [number for number, _ in touched])
    return Turned(started, await _lease(tx, wanted))


# An answer counts whatever has happened to the row meanwhile, unless another answer ended it:
# a message that was dropped while it was sent is told as what it is, sent. A failure of an
# attempt counts only for him who still has the lease. That a sender is to hear of a delay was found
# before the attempt; the look for what is overdue may have told him since.
_FINISH = """
    UPDATE queued_recipient AS r SET
        state = new.state, due_at = new.due_at, lease = NULL, sending_since = NULL,
        attempts = attempts + 1, uncertain = max(r.uncertain, new.uncertain), tried_at = ?2,
        reply = new.reply, status = new.status, remote_mta = new.remote_mta, tls = new.tls,
        finished_at = CASE WHEN new.due_at IS NULL THEN ?2 END,
        report = CASE WHEN new.report = '' OR new.report = 'delayed' AND r.warned THEN r.report
            ELSE new.report END,
        warned = CASE WHEN new.report = 'delayed' THEN 1 ELSE r.warned END
    FROM (
        SELECT value ->> 0 AS id, value ->> 1 AS nr, value ->> 2 AS state, value ->> 3 AS due_at,
            value ->> 4 AS reply, value ->> 5 AS status, value ->> 6 AS remote_mta,
            value ->> 7 AS tls, value ->> 8 AS uncertain, value ->> 9 AS report
        FROM json_each(?3)
    ) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND (r.lease = ?1
            OR new.state IN ('relayed', 'delivered', 'expanded')
                AND r.state NOT IN ('relayed', 'delivered', 'expanded'))
"""
_GIVE_BACK = """
    UPDATE queued_recipient AS r SET due_at = new.due_at, lease = NULL, sending_since = NULL
    FROM (
        SELECT value ->> 0 AS id, value ->> 1 AS nr, value ->> 2 AS due_at FROM json_each(?2)
    ) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND r.lease = ?1
"""
_RENEW = """
    UPDATE queued_recipient AS r SET due_at = ?1
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS nr FROM json_each(?4)) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND r.lease = ?2 AND r.due_at > ?3
"""
_START = """
    UPDATE queued_recipient AS r SET sending_since = ?2
    FROM (SELECT value ->> 0 AS id, value ->> 1 AS nr FROM json_each(?3)) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND r.lease = ?1 AND r.due_at > ?2
    RETURNING queued_id, number
"""


async def _finish(tx: Transaction, wanted: Turn) -> None:
    if wanted.finished:
        rows = [
            (
                *one.key,
                one.state.value,
                one.due_at,
                one.reply,
                one.status,
                one.remote_mta,
                one.tls,
                int(one.uncertain),
                one.report,
            )
            for one in wanted.finished
        ]
        await tx.run(_FINISH, (wanted.worker, tx.now(), json.dumps(rows)))


_DELIVERED = """
    UPDATE queued_recipient SET state = 'delivered', due_at = NULL, finished_at = ?3
    WHERE queued_id = ?1 AND number = ?2 AND state = 'waiting' AND sending_since IS NOT NULL
    RETURNING number
"""


async def delivered(tx: Transaction, key: Key) -> bool:
    """End a recipient in the transaction that delivers to it; what was answered comes by `turn`.

    False: it is not being sent any more, and may be somebody else's.
    """
    ended = bool(await tx.run(_DELIVERED, (*key, tx.now())))
    if ended:
        await note_progress(tx, [key[0]])
    return ended


async def _give_back(tx: Transaction, wanted: Turn) -> None:
    if wanted.give_back:
        rows = [(*key, due_at) for key, due_at in wanted.give_back]
        await tx.run(_GIVE_BACK, (wanted.worker, json.dumps(rows)))


async def _start(tx: Transaction, wanted: Turn) -> frozenset[Key]:
    if not wanted.start:
        return frozenset()
    rows = await tx.run(_START, (wanted.worker, tx.now(), json.dumps(wanted.start)))
    return frozenset((number, at) for number, at in rows)


_STOP = """
    INSERT INTO queue_lane (lane, not_before, failures, why) VALUES (?, ?, ?, ?)
    ON CONFLICT (lane) DO UPDATE SET not_before = max(not_before, excluded.not_before),
        failures = excluded.failures, why = excluded.why
"""
_RESUME = "DELETE FROM queue_lane WHERE lane IN (SELECT value FROM json_each(?))"
_STOPPED = "SELECT lane, not_before, failures, why FROM queue_lane WHERE not_before > ?"


async def _stop_and_resume(tx: Transaction, wanted: Turn) -> None:
    if wanted.stop:
        await tx.run_many(
            _STOP, [(one.lane, one.not_before, one.failures, one.why) for one in wanted.stop]
        )
    if wanted.resume:
        await tx.run(_RESUME, (json.dumps(wanted.resume),))


# A row whose mark is still there belonged to a worker that died while it sent: it may have
# arrived. That is also an attempt, so that what kills workers is not tried without end.
_LEASE = """
    UPDATE queued_recipient SET state = 'waiting', lease = ?1, due_at = ?2,
        uncertain = max(uncertain, sending_since IS NOT NULL),
        attempts = attempts + (sending_since IS NOT NULL), sending_since = NULL
    WHERE (queued_id, number) IN (
        SELECT queued_id, number FROM queued_recipient
        WHERE lane = ?3 AND due_at <= ?4 AND due_at IS NOT NULL
        ORDER BY due_at, queued_id, number LIMIT ?5)
    RETURNING queued_id, number, forward_path, domain, route, notify, orcpt, attempts,
        uncertain, warned
"""


async def _lease(tx: Transaction, wanted: Turn) -> tuple[Leased, ...]:
    taken: list[tuple[str, Row]] = []
    for ask in wanted.ask:
        params = (wanted.worker, wanted.until, ask.lane, tx.now(), ask.limit)
        taken += [(ask.lane, row) for row in await tx.run(_LEASE, params)]
    if not taken:
        return ()
    taken.sort(key=lambda one: (one[1][0], one[1][1]))
    messages = await get_messages(tx, sorted({row[0] for _, row in taken}))
    return tuple(
        Leased(messages[row[0]], recipient_of(row), lane)
        for lane, row in taken
        if row[0] in messages
    )


def recipient_of(row: Row) -> LeasedRecipient:
    """A row of RETURNING as a value."""
    number, at, path, domain, route, notify, orcpt, attempts, uncertain, warned = row
    return LeasedRecipient(
        queued=number,
        number=at,
        forward_path=path,
        domain=domain,
        route=route,
        notify=notify,
        orcpt=orcpt,
        attempts=attempts,
        uncertain=bool(uncertain),
        warned=bool(warned),
    )


async def stopped(db: Reader, now: int) -> list[Stop]:
    """Lanes that are left alone just now."""
    return [Stop(*row) for row in await db.rows(_STOPPED, (now,))]
