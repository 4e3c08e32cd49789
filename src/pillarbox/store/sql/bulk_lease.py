"""Of all processes one at a time works at an account's operations: it has the lease.

Every step renews it, checks it and moves the operation on in the transaction of its changes, so
that whoever lost it changes nothing, and a process that is killed leaves no step half done.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pillarbox.ids import AccountId, BulkId, MessageId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.bulk import BulkRow, BulkStatus, get, steered
from pillarbox.store.sql.modseq import next_modseq

_DUE = """
    SELECT account_id, min(bulk_id) FROM bulk INDEXED BY bulk_waiting
    WHERE status IN ('queued', 'running', 'cancelling')
    GROUP BY account_id HAVING max(leased_until) <= ? LIMIT ?
"""
_BUSY = """
    SELECT 1 FROM bulk
    WHERE account_id = ? AND leased_until > ? AND status IN ('queued', 'running', 'cancelling')
"""
_TAKE = """
    UPDATE bulk SET lease = ?1, leased_until = ?2,
        started_at = coalesce(started_at, ?3), resumed_at = ?3, resumed_position = position,
        status = CASE status WHEN 'queued' THEN 'running' ELSE status END, modseq = ?4
    WHERE account_id = ?5 AND bulk_id = ?6 AND status IN ('queued', 'running', 'cancelling')
    RETURNING 1
"""
_RENEW = """
    UPDATE bulk SET leased_until = ? WHERE account_id = ? AND bulk_id = ? AND lease = ?
        AND status IN ('running', 'cancelling')
    RETURNING 1
"""


async def due(db: Reader, now: int, most: int) -> list[tuple[AccountId, BulkId]]:
    """The oldest open operation of each account that nobody works at."""
    return [(AccountId(row[0]), BulkId(row[1])) for row in await db.rows(_DUE, (now, most))]


async def take(
    tx: Transaction, account: AccountId, number: BulkId, owner: str, seconds: int
) -> BulkRow | None:
    """None: somebody else works for the account, or it has ended."""
    now = tx.now()
    if await tx.row(_BUSY, (account, now)) is not None:
        return None
    modseq = await next_modseq(tx, account)
    sets = (owner, now + seconds, now, modseq, account, number)
    if not await tx.run(_TAKE, sets):
        return None
    return await get(tx, account, number)


async def renew(
    tx: Transaction, account: AccountId, number: BulkId, owner: str, seconds: int
) -> BulkRow | None:
    """The operation as it is now; None: the lease is lost."""
    if not await tx.run(_RENEW, (tx.now() + seconds, account, number, owner)):
        return None
    return await get(tx, account, number)


_GIVE_BACK = """
    UPDATE bulk SET leased_until = 0 WHERE account_id = ? AND bulk_id = ? AND lease = ?
    RETURNING 1
"""


async def give_back(tx: Transaction, account: AccountId, number: BulkId, owner: str) -> None:
    """Let another go on at once."""
    if await tx.run(_GIVE_BACK, (account, number, owner)):
        await steered(tx)


class Step(msgspec.Struct, frozen=True):
    """What a step came to."""

    looked_at: int
    done: int
    failed: Mapping[MessageId, str] = {}  # reasons


_ADVANCE = """
    UPDATE bulk SET position = position + ?, done = done + ?, failed = failed + ?, modseq = ?
    WHERE account_id = ? AND bulk_id = ?
"""
_FAIL = """
    INSERT INTO bulk_failure (account_id, bulk_id, message_id, reason) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET reason = excluded.reason
"""


async def advance(tx: Transaction, account: AccountId, number: BulkId, step: Step) -> None:
    """In the transaction of the step."""
    modseq = await next_modseq(tx, account)
    sets = (step.looked_at, step.done, len(step.failed), modseq, account, number)
    await tx.run(_ADVANCE, sets)
    if step.failed:
        rows = [(account, number, message, reason) for message, reason in step.failed.items()]
        await tx.run_many(_FAIL, rows)


_LISTED = "UPDATE bulk SET listed = ?1, total = ?1 WHERE account_id = ?2 AND bulk_id = ?3"


async def listed(tx: Transaction, account: AccountId, number: BulkId, count: int) -> None:
    """So many messages it is about, as was found when it began."""
    await tx.run(_LISTED, (count, account, number))


_END = """
    UPDATE bulk SET status = ?, why = ?, modseq = ?, finished_at = ?, undo_until = ?,
        leased_until = 0
    WHERE account_id = ? AND bulk_id = ?
"""


async def end(
    tx: Transaction, there: BulkRow, status: BulkStatus, undo_until: int | None, why: str = ""
) -> None:
    """Its last step; the next one of the account can begin."""
    account, number = there.account, there.id
    modseq = await next_modseq(tx, account)
    sets = (status.value, why, modseq, tx.now(), undo_until, account, number)
    await tx.run(_END, sets)
    await steered(tx)
