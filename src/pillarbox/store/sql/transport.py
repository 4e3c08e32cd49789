"""How safely mail travels: policies of other domains, and results for their reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from pillarbox.clock import from_unix_seconds, unix_seconds
from pillarbox.store.database import Reader, Transaction
from pillarbox.trust.mta_sts.cached import Known
from pillarbox.trust.mta_sts.policy import encode_policy, parse_policy
from pillarbox.trust.tls_rpt.tally import SessionResult

_FIND = "SELECT ident, policy, fetched_at FROM sts_policy WHERE domain = ?"
_KEEP = """
    INSERT INTO sts_policy (domain, ident, policy, fetched_at, ends_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (domain) DO UPDATE SET ident = excluded.ident, policy = excluded.policy,
        fetched_at = excluded.fetched_at, ends_at = excluded.ends_at
"""
_BEFORE = "SELECT domain FROM sts_policy WHERE fetched_at <= ? ORDER BY fetched_at LIMIT ?"
_FORGET = "DELETE FROM sts_policy WHERE ends_at <= ?"
_ADD = """
    INSERT INTO tls_result (day, domain, result, count) VALUES (?, ?, ?, ?)
    ON CONFLICT (day, domain, result) DO UPDATE SET count = count + excluded.count
"""
_FORGET_RESULTS = "DELETE FROM tls_result WHERE day < ?"
_DOMAINS = "SELECT DISTINCT domain FROM tls_result WHERE day = ? AND domain > ? ORDER BY 1 LIMIT ?"
_RESULTS = "SELECT result, count FROM tls_result WHERE day = ? AND domain = ? LIMIT ?"


async def find_policy(db: Reader, domain: str) -> Known | None:
    """What was kept of a domain."""
    row = await db.row(_FIND, (domain,))
    if row is None:
        return None
    ident, policy, fetched_at = row
    return Known(ident, parse_policy(policy), from_unix_seconds(fetched_at))


async def keep_policy(tx: Transaction, domain: str, known: Known) -> None:
    """Keep what was fetched."""
    assert known.policy is not None and known.fetched_at is not None
    fetched_at = unix_seconds(known.fetched_at)
    ends_at = fetched_at + int(known.policy.max_age.total_seconds())
    octets = encode_policy(known.policy)
    await tx.run(_KEEP, (domain, known.ident, octets, fetched_at, ends_at))


async def policies_before(db: Reader, before: datetime, limit: int) -> list[str]:
    """Domains whose policy was fetched before an instant, the oldest first."""
    return [row[0] for row in await db.rows(_BEFORE, (unix_seconds(before), limit))]


async def forget_policies(tx: Transaction, now: datetime) -> None:
    """Those whose time is over."""
    await tx.run(_FORGET, (unix_seconds(now),))


async def add_results(
    tx: Transaction, counts: Mapping[tuple[int, SessionResult], int], before: int
) -> None:
    """Add sessions to their days, and forget the days before `before`."""
    rows = [
        (day, result.policy.domain, msgspec.json.encode(result).decode(), count)
        for (day, result), count in counts.items()
    ]
    await tx.run_many(_ADD, rows)
    await tx.run(_FORGET_RESULTS, (before,))


async def result_domains(db: Reader, day: int, after: str = "", limit: int = 1000) -> list[str]:
    """The domains of a day (days since 1970) by name, those above `after`."""
    return [row[0] for row in await db.rows(_DOMAINS, (day, after, limit))]


async def results(db: Reader, day: int, domain: str, limit: int = 10_000) -> list[SessionResult]:
    """What became of TLS with one domain on one day: for `trust.tls_rpt.tally.build_report`."""
    rows = await db.rows(_RESULTS, (day, domain, limit))
    return [
        msgspec.structs.replace(msgspec.json.decode(result, type=SessionResult), count=count)
        for result, count in rows
    ]
