"""Reports that others sent to us, parsed and kept; and how far our mail was read for them."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.database import Reader, Row, Transaction


class ReceivedReport(msgspec.Struct, frozen=True, kw_only=True):
    """One report; its rows are in the content."""

    number: int = 0
    kind: str  # "dmarc" or "tls"
    organization: str
    report_id: str
    domain: str
    begins_at: int  # Unix seconds
    ends_at: int
    received_at: int
    author: str  # the domain in From
    verified: bool  # whether DMARC passed for it
    passed: int  # messages, or TLS sessions
    failed: int
    content: bytes = b""  # the parsed report, JSON with zlib; left out of lists


_SUMMARY = """number, kind, organization, report_id, domain, begins_at, ends_at, received_at,
    author, verified, passed, failed"""
_ADD = """
    INSERT INTO report_received (kind, organization, report_id, domain, begins_at, ends_at,
        received_at, author, verified, passed, failed, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING number
"""
_LIST = f"""
    SELECT {_SUMMARY}, x'' FROM report_received
    WHERE ?1 IN ('', domain) AND ?2 IN ('', kind) ORDER BY ends_at DESC, number DESC LIMIT ?3
"""  # noqa: S608 - only _SUMMARY is put in
_GET = f"SELECT {_SUMMARY}, content FROM report_received WHERE number = ?"  # noqa: S608 - only names of columns are put in
_COUNT = "SELECT count(*) FROM report_received WHERE received_at >= ?"


async def add(tx: Transaction, report: ReceivedReport) -> int:
    """Keep a report; its number, 0 when it was here before (RFC 7489 §7.2.1.1)."""
    rows = await tx.run(
        _ADD,
        (
            report.kind,
            report.organization,
            report.report_id,
            report.domain,
            report.begins_at,
            report.ends_at,
            report.received_at,
            report.author,
            report.verified,
            report.passed,
            report.failed,
            report.content,
        ),
    )
    return int(rows[0][0]) if rows else 0


async def list_received(
    db: Reader, domain: str = "", kind: str = "", limit: int = 100
) -> list[ReceivedReport]:
    """Without content, the newest first; "" stands for all."""
    return [_report(row) for row in await db.rows(_LIST, (domain, kind, limit))]


async def find(db: Reader, number: int) -> ReceivedReport | None:
    """One, with its content."""
    row = await db.row(_GET, (number,))
    return None if row is None else _report(row)


async def count_since(db: Reader, instant: int) -> int:
    """How many came."""
    row = await db.row(_COUNT, (instant,))
    return int(row[0]) if row else 0


def _report(row: Row) -> ReceivedReport:
    (number, kind, organization, report_id, domain, begins, ends, at, author, verified, passed,
        failed, content) = row  # fmt: skip
    return ReceivedReport(
        number=number,
        kind=kind,
        organization=organization,
        report_id=report_id,
        domain=domain,
        begins_at=begins,
        ends_at=ends,
        received_at=at,
        author=author,
        verified=bool(verified),
        passed=passed,
        failed=failed,
        content=content,
    )


_SEEN = "SELECT message_id FROM report_reader WHERE account_id = ?"
_NEW = """
    SELECT message_id, trace FROM message WHERE account_id = ? AND message_id > ?
    ORDER BY message_id LIMIT ?
"""
_SET_SEEN = """
    INSERT INTO report_reader (account_id, message_id) VALUES (?1, ?2)
    ON CONFLICT (account_id) DO UPDATE SET message_id = max(message_id, excluded.message_id)
"""


async def seen(db: Reader, account: AccountId) -> MessageId:
    """The last message that was looked at."""
    row = await db.row(_SEEN, (account,))
    return MessageId(row[0] if row else 0)


async def new_messages(
    db: Reader, account: AccountId, after: MessageId, limit: int
) -> list[tuple[MessageId, bytes]]:
    """The messages behind one, in the order of their arrival, with our trace fields."""
    return [(MessageId(one), trace) for one, trace in await db.rows(_NEW, (account, after, limit))]


async def set_seen(tx: Transaction, account: AccountId, message: MessageId) -> None:
    """Everything up to this one was looked at."""
    await tx.run(_SET_SEEN, (account, message))
