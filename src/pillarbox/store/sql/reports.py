"""Reports that we make: counted by day and domain, made once, remembered for a while.

What others send us is in `reports_received`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pillarbox.store.database import Reader, Row, Transaction

DAY = 86_400


class DueReport(msgspec.Struct, frozen=True):
    """One that a worker is to make."""

    kind: str  # "dmarc" or "tls"
    day: int  # days since 1970, UTC
    domain: str
    policy: str  # JSON
    due_at: int  # Unix seconds: when it was, before the lease


class SentReport(msgspec.Struct, frozen=True, kw_only=True):
    """One that was made, or given up."""

    kind: str
    day: int
    domain: str
    report_id: str = ""
    outcome: str  # "sent", or why not
    destinations: tuple[str, ...] = ()
    octets: int = 0
    ends_at: int = 0
    sent_at: int = 0


_KNOWN = "SELECT rows FROM report_due WHERE kind = 'dmarc' AND day = ? AND domain = ?"
_DOMAINS = "SELECT count(*) FROM report_due WHERE kind = 'dmarc' AND day = ?"
_ADD_DUE = """
    INSERT INTO report_due (kind, day, domain, policy, due_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (kind, day, domain) DO UPDATE SET policy = excluded.policy
    RETURNING rows
"""
_COUNT_AGAIN = """
    UPDATE dmarc_row SET count = count + ? WHERE day = ? AND domain = ? AND row = ? RETURNING 1
"""
_ADD_ROW = "INSERT INTO dmarc_row (day, domain, row, count) VALUES (?, ?, ?, ?)"
_SET_ROWS = "UPDATE report_due SET rows = ? WHERE kind = 'dmarc' AND day = ? AND domain = ?"


async def count_messages(
    tx: Transaction, due: DueReport, counts: Mapping[str, int], *, max_rows: int, max_domains: int
) -> int:
    """Add up one domain's messages of a day; how many found no room any more.

    `max_rows` of this domain, and `max_domains` of the day: who owns one can make up many.
    """
    key = (due.day, due.domain)
    if await tx.row(_KNOWN, key) is None:
        others = await tx.row(_DOMAINS, (due.day,))
        if others is not None and others[0] >= max_domains:
            return sum(counts.values())
    found = await tx.run(_ADD_DUE, (due.kind, *key, due.policy, due.due_at))
    rows, lost = int(found[0][0]), 0
    for row, count in counts.items():
        if await tx.run(_COUNT_AGAIN, (count, *key, row)):
            continue
        if rows >= max_rows:
            lost += count
            continue
        await tx.run(_ADD_ROW, (*key, row, count))
        rows += 1
    await tx.run(_SET_ROWS, (rows, *key))
    return lost


_PLAN = """
    INSERT INTO report_due (kind, day, domain, due_at)
    SELECT ?, ?, ?, ? WHERE NOT EXISTS
        (SELECT 1 FROM report_sent WHERE kind = ? AND day = ? AND domain = ?)
    ON CONFLICT DO NOTHING
"""


async def plan(tx: Transaction, dues: Iterable[DueReport]) -> None:
    """Reports to be made, but for those that were."""
    await tx.run_many(
        _PLAN,
        [
            (one.kind, one.day, one.domain, one.due_at, one.kind, one.day, one.domain)
            for one in dues
        ],
    )


_NEXT = """
    SELECT kind, day, domain, policy, due_at FROM report_due WHERE due_at <= ? AND day < ?
    ORDER BY due_at LIMIT ?
"""
_TAKE = """
    UPDATE report_due SET lease = ?, due_at = ? WHERE kind = ? AND day = ? AND domain = ?
"""
_HURRY = "UPDATE report_due SET due_at = ? WHERE due_at > ? AND day < ? AND lease = ''"


async def lease(
    tx: Transaction, worker: str, *, limit: int, seconds: int, today: int
) -> list[DueReport]:
    """Take reports of days before `today` whose time has come; nobody else has them so long."""
    now = tx.now()
    rows = await tx.run(_NEXT, (now, today, limit))
    found = [DueReport(*row) for row in rows]
    await tx.run_many(
        _TAKE, [(worker, now + seconds, one.kind, one.day, one.domain) for one in found]
    )
    return found


async def hurry(tx: Transaction, today: int) -> None:
    """Those of days before `today` are due now."""
    await tx.run(_HURRY, (tx.now(), tx.now(), today))


_IS_OURS = "SELECT 1 FROM report_due WHERE kind = ? AND day = ? AND domain = ? AND lease = ?"
_PUT_OFF = """
    UPDATE report_due SET lease = '', due_at = ?
    WHERE kind = ? AND day = ? AND domain = ? AND lease = ?
"""


async def put_off(tx: Transaction, due: DueReport, worker: str, until: int) -> None:
    """Give a lease back; the report is due again then."""
    await tx.run(_PUT_OFF, (until, due.kind, due.day, due.domain, worker))


_DONE = "DELETE FROM report_due WHERE kind = ? AND day = ? AND domain = ?"
_DROP_ROWS = "DELETE FROM dmarc_row WHERE day = ? AND domain = ?"
_ADD_SENT = """
    INSERT INTO report_sent
        (kind, day, domain, report_id, outcome, destinations, octets, ends_at, sent_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


async def finish(tx: Transaction, worker: str, sent: SentReport) -> bool:
    """It was made, or given up: what it was made of goes. False: another worker has it now."""
    key = (sent.kind, sent.day, sent.domain)
    if await tx.row(_IS_OURS, (*key, worker)) is None:
        return False
    await tx.run(_DONE, key)
    if sent.kind == "dmarc":
        await tx.run(_DROP_ROWS, (sent.day, sent.domain))
    await tx.run(
        _ADD_SENT,
        (
            *key,
            sent.report_id,
            sent.outcome,
            json.dumps(sent.destinations),
            sent.octets,
            sent.ends_at,
            tx.now(),
        ),
    )
    return True


_ROWS = "SELECT row, count FROM dmarc_row WHERE day = ? AND domain = ? ORDER BY row LIMIT ?"
_TOLD_UNTIL = """
    SELECT max(ends_at) FROM report_sent WHERE kind = ? AND day = ? AND domain = ?
"""
_SENT_TODAY = "SELECT count(*) FROM report_sent WHERE sent_at >= ? AND outcome = 'sent'"
_SENT = """
    SELECT kind, day, domain, report_id, outcome, destinations, octets, ends_at, sent_at
    FROM report_sent WHERE ? IN ('', domain) ORDER BY number DESC LIMIT ?
"""
_DUE = "SELECT count(*) FROM report_due"


async def rows_of(db: Reader, day: int, domain: str, limit: int) -> list[tuple[str, int]]:
    """A day's rows for one domain, with their counts."""
    return [(row, count) for row, count in await db.rows(_ROWS, (day, domain, limit))]


async def told_until(db: Reader, kind: str, day: int, domain: str) -> int:
    """The last second of an earlier report on the same day; 0 where there is none."""
    row = await db.row(_TOLD_UNTIL, (kind, day, domain))
    return int(row[0] or 0) if row else 0


async def sent_since(db: Reader, instant: int) -> int:
    """How many went out."""
    row = await db.row(_SENT_TODAY, (instant,))
    return int(row[0]) if row else 0


async def list_sent(db: Reader, domain: str = "", limit: int = 100) -> list[SentReport]:
    """Reports of ours, the newest first."""
    return [_sent(row) for row in await db.rows(_SENT, (domain, limit))]


async def count_due(db: Reader) -> int:
    """How many are to be made, those of days that are not over included."""
    row = await db.row(_DUE)
    return int(row[0]) if row else 0


_FORGET_SENT = "DELETE FROM report_sent WHERE sent_at < ?"
_FORGET_UNWANTED = "DELETE FROM report_sent WHERE outcome = 'not wanted' AND sent_at < ?"
_UNWANTED_DAYS = 7  # nobody asks for them; they are there so that they are not planned again
_FORGET_RECEIVED = "DELETE FROM report_received WHERE received_at < ?"


async def forget(tx: Transaction, before: int) -> None:
    """Drop reports from before an instant."""
    for statement in (_FORGET_SENT, _FORGET_RECEIVED):
        await tx.run(statement, (before,))
    await tx.run(_FORGET_UNWANTED, (tx.now() - _UNWANTED_DAYS * DAY,))


def _sent(row: Row) -> SentReport:
    kind, day, domain, report_id, outcome, destinations, octets, ends_at, sent_at = row
    found: Sequence[str] = json.loads(destinations)
    return SentReport(
        kind=kind,
        day=day,
        domain=domain,
        report_id=report_id,
        outcome=outcome,
        destinations=tuple(found),
        octets=octets,
        ends_at=ends_at,
        sent_at=sent_at,
    )
