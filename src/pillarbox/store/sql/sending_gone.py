"""Changes and tombstones of identities and submissions (RFC 8620 §5.2)."""

from __future__ import annotations

from typing import Literal

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.account_changes import Changes, Event, Point, check_point, page

Kind = Literal["identity", "submission"]

_CHANGED = {
    "identity": """
        SELECT identity_id, created_modseq, modseq FROM identity
        WHERE account_id = ? AND modseq > ?
    """,
    "submission": """
        SELECT submission_id, created_modseq, modseq FROM submission
        WHERE account_id = ? AND modseq > ?
    """,
}
_GONE = """
    SELECT number, created_modseq, modseq FROM sending_gone
    WHERE account_id = ? AND kind = ? AND modseq > ?
"""


async def record_changes(
    db: Reader, account: AccountId, kind: Kind, since: Point, limit: int
) -> Changes:
    """Raises CannotCalculateChanges, NoSuchAccount."""
    now = await check_point(db, account, since)
    events: list[Event] = []
    if since != Point(now):
        for number, created, modseq in await db.rows(_CHANGED[kind], (account, since.floor)):
            if modseq > since.base(number):
                is_new = created > since.base(number)
                events.append(
                    (created, number, "created") if is_new else (modseq, number, "updated")
                )
        for number, created, modseq in await db.rows(_GONE, (account, kind, since.floor)):
            if created <= since.base(number) < modseq:
                events.append((modseq, number, "destroyed"))
    return page(events, now, limit)


_BURY = """
    INSERT INTO sending_gone (account_id, kind, number, created_modseq, modseq, gone_at)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_OLD = """
    SELECT account_id, max(modseq) FROM sending_gone WHERE gone_at < ? GROUP BY account_id
"""
_PRUNED = "UPDATE account SET pruned_modseq = max(pruned_modseq, ?) WHERE account_id = ?"
_FORGET = "DELETE FROM sending_gone WHERE gone_at < ?"


async def bury(
    tx: Transaction, account: AccountId, kind: Kind, number: int, created: int, modseq: int
) -> None:
    """A tombstone for what was deleted in this write."""
    await tx.run(_BURY, (account, kind, number, created, modseq, tx.now()))


async def forget(tx: Transaction, before: int) -> None:
    """Tombstones from before an instant; whoever needs them cannot calculate changes any more."""
    for account, modseq in await tx.rows(_OLD, (before,)):
        await tx.run(_PRUNED, (modseq, account))
    await tx.run(_FORGET, (before,))
