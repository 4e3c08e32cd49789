"""The queue under somebody's hands: chosen by filters, listed, held, released, failed, dropped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pillarbox.store.database import Reader, Row, Transaction, Value
from pillarbox.store.model import RecipientRow, RecipientState
from pillarbox.store.sql.queue import QUEUE, STEERED
from pillarbox.store.sql.queue_lease import Key
from pillarbox.store.sql.queue_reports import RECIPIENT, row_of
from pillarbox.store.sql.submission_progress import note_progress


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which recipients are meant; what is not said does not matter."""

    messages: tuple[int, ...] = ()
    sender: str = ""  # an address; "<>" is the null sender; "@example.org" all of a domain
    recipient: str = ""
    domain: str = ""
    states: tuple[RecipientState, ...] = ()
    queued_before: int | None = None  # Unix seconds
    open_only: bool = True  # those that wait or are held


class Listed(msgspec.Struct, frozen=True):
    """A line of the list."""

    recipient: RecipientRow
    sender: str
    size: int
    queued_at: int


def _where(chosen: Filter) -> tuple[str, list[Value]]:
    parts: list[tuple[str, Value]] = []
    if chosen.messages:
        given = json.dumps(chosen.messages)
        parts.append(("r.queued_id IN (SELECT value FROM json_each(?))", given))
    if chosen.sender:
        parts.append(_address("q.reverse_path", chosen.sender))
    if chosen.recipient:
        parts.append(_address("r.forward_path", chosen.recipient))
    if chosen.domain:
        parts.append(("r.domain = ?", chosen.domain))
    if chosen.states:
        given = json.dumps([state.value for state in chosen.states])
        parts.append(("r.state IN (SELECT value FROM json_each(?))", given))
    if chosen.queued_before is not None:
        parts.append(("q.queued_at < ?", chosen.queued_before))
    words = [sql for sql, _ in parts]
    if chosen.open_only:
        words.append("r.finished_at IS NULL")
    return " AND ".join(words) or "1", [value for _, value in parts]


def _address(column: str, wanted: str) -> tuple[str, Value]:
    if wanted.startswith("@"):
        escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE ? ESCAPE '\\'", "%" + escaped
    return f"lower({column}) = ?", "" if wanted == "<>" else wanted.lower()


async def list_recipients(
    db: Reader, chosen: Filter, limit: int, after: Key = (0, -1)
) -> list[Listed]:
    """In the order of arrival, from the one behind `after`. For a reader thread when many."""
    columns = f"{RECIPIENT}, q.reverse_path, q.size, q.queued_at"
    return [_listed(row) for row in await _list(db, columns, chosen, limit, after)]


def _listed(row: Row) -> Listed:
    return Listed(row_of(row[:-3]), *row[-3:])


async def _list(
    db: Reader, columns: str, chosen: Filter, limit: int, after: Key = (0, -1)
) -> list[Row]:
    where, values = _where(chosen)
    return await db.rows(
        f"""
        SELECT {columns} FROM queued_recipient r JOIN queued q ON q.queued_id = r.queued_id
        WHERE {where} AND (r.queued_id, r.number) > (?, ?)
        ORDER BY r.queued_id, r.number LIMIT ?
        """,  # noqa: S608 - values are bound
        (*values, *after, limit),
    )


# Lists of a hundred thousand are written down as they come: no value is made for each.
FACTS = (
    "id",
    "number",
    "sender",
    "recipient",
    "octets",
    "queued_at",
    "domain",
    "route",
    "state",
    "sending",
    "attempts",
    "due_at",
    "tried_at",
    "finished_at",
    "reply",
    "status",
    "remote_mta",
    "tls",
    "uncertain",
    "notify",
    "orcpt",
)
_FACTS = """r.queued_id, r.number, q.reverse_path, r.forward_path, q.size, q.queued_at, r.domain,
    r.route, r.state, r.lease IS NOT NULL, r.attempts, r.due_at, r.tried_at, r.finished_at, r.reply,
    r.status, r.remote_mta, r.tls, r.uncertain, r.notify, r.orcpt"""
_LINE = """cast(r.queued_id AS TEXT), strftime('%Y-%m-%d %H:%M:%SZ', q.queued_at, 'unixepoch'),
    cast(q.size AS TEXT),
    CASE WHEN r.lease IS NULL THEN r.state ELSE 'sending' END,
    coalesce(strftime('%Y-%m-%d %H:%M:%SZ', r.due_at, 'unixepoch'), ''),
    CASE q.reverse_path WHEN '' THEN '<>' ELSE q.reverse_path END,
    r.forward_path, replace(substr(r.reply, 1, 60), char(10), ' ')"""


async def list_facts(db: Reader, chosen: Filter, limit: int) -> list[Row]:
    """The columns of FACTS, for programs."""
    return await _list(db, _FACTS, chosen, limit)


async def list_lines(db: Reader, chosen: Filter, limit: int) -> list[Row]:
    """Number, queued at, octets, state, due at, sender, recipient, reply: all text, for people."""
    return await _list(db, _LINE, chosen, limit)


async def count_recipients(db: Reader, chosen: Filter) -> dict[str, int]:
    """How many recipients a filter means, by state."""
    where, values = _where(chosen)
    # Without need the messages are not looked at: that halves the time.
    join = "JOIN queued q ON q.queued_id = r.queued_id" if "q." in where else ""
    found = await db.rows(
        f"""
        SELECT r.state, count(*) FROM queued_recipient r {join}
        WHERE {where} GROUP BY r.state ORDER BY r.state
        """,  # noqa: S608 - values are bound
        values,
    )
    return dict(found)


async def find_keys(db: Reader, chosen: Filter, limit: int, after: Key = (0, -1)) -> list[Key]:
    """Recipients that a filter means, from the one behind `after`."""
    rows = await _list(db, "r.queued_id, r.number", chosen, limit, after)
    return [(number, at) for number, at in rows]


class Steered(msgspec.Struct, frozen=True):
    """A recipient to which something was done."""

    queued: int
    journey: str
    forward_path: str


class Steer(StrEnum):
    """What can be done to recipients that have not ended."""

    RETRY = "retry"
    HOLD = "hold"
    RELEASE = "release"
    FAIL = "fail"
    DROP = "drop"
    ROUTE = "route"


_FREE = "lease = NULL, uncertain = max(uncertain, sending_since IS NOT NULL), sending_since = NULL"
_END = f"finished_at = given.now, due_at = NULL, {_FREE}"
_SET = {
    Steer.RETRY: f"due_at = given.now, {_FREE}",
    Steer.HOLD: f"state = 'held', due_at = given.until, {_FREE}",
    Steer.RELEASE: f"state = 'waiting', due_at = given.now, {_FREE}",
    Steer.FAIL: (
        "state = 'failed', reply = given.text, status = '5.0.0', remote_mta = '', "
        f"report = 'failed', {_END}"
    ),
    Steer.DROP: f"state = 'dropped', report = '', {_END}",
    Steer.ROUTE: (
        "route = given.text, lane = CASE given.text WHEN '' THEN domain ELSE given.text END, "
        f"due_at = CASE state WHEN 'waiting' THEN given.now ELSE due_at END, {_FREE}"
    ),
}
_ONLY = {Steer.RETRY: "AND r.state = 'waiting'", Steer.RELEASE: "AND r.state = 'held'"}
_RESUME = """
    DELETE FROM queue_lane WHERE lane IN (
        SELECT r.lane FROM queued_recipient r
        JOIN json_each(?) chosen
            ON r.queued_id = chosen.value ->> 0 AND r.number = chosen.value ->> 1)
"""
_JOURNEYS = """
    SELECT queued_id, journey FROM queued WHERE queued_id IN (SELECT value FROM json_each(?))
"""


async def steer(
    tx: Transaction,
    keys: Sequence[Key],
    action: Steer,
    *,
    until: int | None = None,
    text: str = "",
) -> list[Steered]:
    """Do it to those of `keys` that have not ended and are not just being sent; which ones.

    `until` ends a hold (None: nothing does); `text` is the name of a route ("" for none) or the
    reason of a failure. Those who send are woken.
    """
    given = json.dumps(keys)
    rows = await tx.run(_statement(action), (given, tx.now(), until, text))
    if action in (Steer.RETRY, Steer.RELEASE, Steer.ROUTE):
        await tx.run(_RESUME, (given,))
    await note_progress(tx, [number for number, _ in rows])
    tx.changed(QUEUE, STEERED)
    journeys: dict[int, str] = dict(
        await tx.rows(_JOURNEYS, (json.dumps([number for number, _ in rows]),))
    )
    return [Steered(number, journeys[number], path) for number, path in rows]


def _statement(action: Steer) -> str:
    return f"""
        UPDATE queued_recipient AS r SET {_SET[action]}
        FROM (
            SELECT value ->> 0 AS id, value ->> 1 AS nr, ?2 AS now, ?3 AS until, ?4 AS text
            FROM json_each(?1)
        ) AS given
        WHERE r.queued_id = given.id AND r.number = given.nr AND r.finished_at IS NULL
            AND (r.sending_since IS NULL OR r.due_at <= given.now) {_ONLY.get(action, "")}
        RETURNING queued_id, forward_path
    """  # noqa: S608 - from the tables above
