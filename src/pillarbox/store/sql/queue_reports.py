"""What senders are still to be told about their queued mail, and what has waited for too long."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import QueuedRow, RecipientRow, RecipientState
from pillarbox.store.sql.queue import get_messages
from pillarbox.store.sql.queue_lease import Key
from pillarbox.store.sql.submission_progress import note_progress

RECIPIENT = """r.queued_id, r.number, r.forward_path, r.domain, r.route, r.notify, r.orcpt,
    r.state, r.attempts, r.due_at, r.lease IS NOT NULL, r.uncertain, r.warned, r.report,
    r.tried_at, r.reply, r.status, r.remote_mta, r.tls, r.finished_at"""


class Unreported(msgspec.Struct, frozen=True):
    """A message and those of its recipients about whom its sender is to be told."""

    message: QueuedRow
    recipients: tuple[RecipientRow, ...]


# One report tells of all: while others of the message are in their first attempt it waits.
_PENDING = f"""
    SELECT {RECIPIENT} FROM queued_recipient r
    WHERE r.report <> '' AND r.queued_id IN (
        SELECT DISTINCT p.queued_id FROM queued_recipient p
        WHERE p.report <> '' AND p.queued_id > ?3 AND (
            coalesce(p.tried_at, p.finished_at, 0) <= ?1
            OR NOT EXISTS (
                SELECT 1 FROM queued_recipient s
                WHERE s.queued_id = p.queued_id AND s.finished_at IS NULL
                    AND s.attempts = 0 AND s.state = 'waiting'))
        ORDER BY p.queued_id LIMIT ?2)
    ORDER BY r.queued_id, r.number
"""  # noqa: S608 - only RECIPIENT is put in


async def pending(db: Reader, before: int, limit: int, after: int = 0) -> list[Unreported]:
    """Reports to be made, of messages above number `after`.

    Those since `before` only where nothing of the message is under way.
    """
    found: dict[int, list[RecipientRow]] = {}
    for row in await db.rows(_PENDING, (before, limit, after)):
        found.setdefault(row[0], []).append(row_of(row))
    messages = await get_messages(db, list(found))
    return [Unreported(messages[number], tuple(rows)) for number, rows in found.items()]


_REPORTED = """
    UPDATE queued_recipient AS r SET report = ''
    FROM (
        SELECT value ->> 0 AS id, value ->> 1 AS nr, value ->> 2 AS told FROM json_each(?)
    ) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND r.report = new.told
    RETURNING 1
"""


async def reported(tx: Transaction, told: Unreported) -> bool:
    """Their sender is told in this write. False: something changed meanwhile, look again."""
    rows = [(one.queued, one.number, one.report) for one in told.recipients]
    return len(await tx.run(_REPORTED, (json.dumps(rows),))) == len(rows)


class Overdue(msgspec.Struct, frozen=True):
    """A recipient that has waited since a named instant or longer."""

    key: Key
    lane: str
    notify: str
    warned: bool
    reverse_path: str
    queued_at: int
    hold: str  # what FUTURERELEASE asked for


_OVERDUE = """
    SELECT r.queued_id, r.number, r.lane, r.notify, r.warned, q.reverse_path, q.queued_at,
        q.hold
    FROM queued_recipient r JOIN queued q USING (queued_id)
    WHERE r.finished_at IS NULL AND r.state = 'waiting' AND (r.queued_id, r.number) > (?1, ?2)
        AND r.queued_id < coalesce((
            SELECT o.queued_id FROM queued_recipient o JOIN queued m USING (queued_id)
            WHERE o.finished_at IS NULL AND o.queued_id >= ?1 AND m.queued_at > ?3
            ORDER BY o.queued_id LIMIT 1), 1 << 62)
    ORDER BY r.queued_id, r.number LIMIT ?4
"""
_EXPIRE = """
    UPDATE queued_recipient AS r SET state = 'expired', due_at = NULL, lease = NULL,
        uncertain = max(r.uncertain, sending_since IS NOT NULL), sending_since = NULL,
        finished_at = ?1, report = new.report
    FROM (
        SELECT value ->> 0 AS id, value ->> 1 AS nr, value ->> 2 AS report FROM json_each(?2)
    ) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND state = 'waiting' AND (lease IS NULL OR r.due_at <= ?1)
    RETURNING queued_id
"""
_WARN = """
    UPDATE queued_recipient AS r SET warned = 1, report = new.report
    FROM (
        SELECT value ->> 0 AS id, value ->> 1 AS nr, value ->> 2 AS report FROM json_each(?)
    ) AS new
    WHERE r.queued_id = new.id AND r.number = new.nr
        AND finished_at IS NULL AND warned = 0 AND r.report = ''
    RETURNING queued_id
"""


async def overdue(db: Reader, after: Key, before: int, limit: int) -> list[Overdue]:
    """Waiting recipients behind `after` that have been in the queue since an instant or longer."""
    return [
        Overdue((number, at), lane, notify, bool(warned), *rest)
        for number, at, lane, notify, warned, *rest in await db.rows(
            _OVERDUE, (*after, before, limit)
        )
    ]


async def expire(tx: Transaction, rows: Sequence[tuple[Key, str]]) -> int:
    """Give these up unless they are just being sent; with each what its sender is to be told."""
    given = json.dumps([(*key, report) for key, report in rows])
    gone = await tx.run(_EXPIRE, (tx.now(), given))
    await note_progress(tx, [number for (number,) in gone])
    return len(gone)


async def warn(tx: Transaction, rows: Sequence[tuple[Key, str]]) -> int:
    """Have their senders told of the delay, once."""
    given = json.dumps([(*key, report) for key, report in rows])
    return len(await tx.run(_WARN, (given,)))


def row_of(row: Row) -> RecipientRow:
    """A row of RECIPIENT as a value."""
    (number, at, path, domain, route, notify, orcpt, state, attempts, due_at, *rest) = row
    sending, uncertain, warned, report, tried_at, reply, status, mta, tls, finished_at = rest
    return RecipientRow(
        queued=number,
        number=at,
        forward_path=path,
        domain=domain,
        route=route,
        notify=notify,
        orcpt=orcpt,
        state=RecipientState(state),
        attempts=attempts,
        due_at=due_at,
        sending=bool(sending),
        uncertain=bool(uncertain),
        warned=bool(warned),
        report=report,
        tried_at=tried_at,
        reply=reply,
        status=status,
        remote_mta=mta,
        tls=tls,
        finished_at=finished_at,
    )
