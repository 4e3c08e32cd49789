"""Operations on many messages: asked for, looked at, steered and forgotten.

Who works at one has its lease (`bulk_lease`); which messages it is about is in `bulk_list`, what
they were before in `bulk_former`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pillarbox.errors import CannotCalculateChanges, NotAllowed, NotFound
from pillarbox.ids import AccountId, BulkId, MailboxId, MessageId, ModSeq
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.sql import bulk_list
from pillarbox.store.sql.account_changes import Changes, Point, check_point, page
from pillarbox.store.sql.modseq import next_modseq

BULK = AccountId(2**62 + 1)  # in the feed: no account, but all operations; its number grows


class BulkStatus(StrEnum):
    """How far an operation is."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"  # to end at the next step
    DONE = "done"
    DONE_WITH_PROBLEMS = "doneWithProblems"
    CANCELLED = "cancelled"
    FAILED = "failed"  # as a whole


OPEN = frozenset({BulkStatus.QUEUED, BulkStatus.RUNNING, BulkStatus.CANCELLING})


class NoSuchBulk(NotFound):
    """It was forgotten, or never was."""

    sentence = "There is no such operation."


class BulkRow(msgspec.Struct, frozen=True):
    """An operation as stored."""

    account: AccountId
    id: BulkId
    modseq: ModSeq
    action: str  # JSON
    within: MailboxId | None
    undo_of: BulkId | None
    undone_by: BulkId | None
    initiated_by: str  # JSON
    status: BulkStatus
    why: str
    listed: int
    position: int
    total: int
    done: int
    failed: int
    created_at: int
    started_at: int | None
    finished_at: int | None
    resumed_at: int | None
    resumed_position: int
    undo_until: int | None


_COLUMNS = """account_id, bulk_id, modseq, action, within, undo_of, undone_by, initiated_by, status,
    why, listed, position, total, done, failed, created_at, started_at, finished_at, resumed_at,
    resumed_position, undo_until"""
_GET = f"SELECT {_COLUMNS} FROM bulk WHERE account_id = ? AND bulk_id = ?"  # noqa: S608 - only names of columns are put in
_ALL = f"SELECT {_COLUMNS} FROM bulk WHERE account_id = ? ORDER BY bulk_id DESC"  # noqa: S608 - only names of columns are put in
_SINCE = f"SELECT {_COLUMNS} FROM bulk WHERE account_id = ? AND modseq > ?"  # noqa: S608 - only names of columns are put in
_OF_NUMBER = f"SELECT {_COLUMNS} FROM bulk WHERE bulk_id = ?"  # noqa: S608 - only names of columns are put in
_BY_KEY = f"SELECT {_COLUMNS} FROM bulk WHERE account_id = ? AND idempotency_key = ?"  # noqa: S608 - only names of columns are put in


def row_of(row: Row) -> BulkRow:
    """A row of all columns as a value."""
    return BulkRow(*(*row[:8], BulkStatus(row[8]), *row[9:]))


async def get(db: Reader, account: AccountId, number: BulkId) -> BulkRow:
    """Raises NoSuchBulk."""
    row = await db.row(_GET, (account, number))
    if row is None:
        raise NoSuchBulk
    return row_of(row)


async def every(db: Reader, account: AccountId) -> list[BulkRow]:
    """All that are known, the latest first."""
    return [row_of(row) for row in await db.rows(_ALL, (account,))]


async def since(db: Reader, account: AccountId, modseq: ModSeq) -> list[BulkRow]:
    """Those that changed after a modseq."""
    return [row_of(row) for row in await db.rows(_SINCE, (account, modseq))]


async def of_any_account(db: Reader, number: BulkId) -> list[BulkRow]:
    """Those of a number; it is unique within an account only. Looks at all. Use `scan`."""
    return [row_of(row) for row in await db.rows(_OF_NUMBER, (number,))]


async def by_key(db: Reader, account: AccountId, key: str) -> BulkRow | None:
    """The one that was asked for under an idempotency key."""
    row = await db.row(_BY_KEY, (account, key))
    return None if row is None else row_of(row)


class NewBulk(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and to which messages."""

    account: AccountId
    action: str
    messages: Sequence[MessageId] = ()
    within: MailboxId | None = None
    undo_of: BulkId | None = None  # its messages are found when it begins
    total: int | None = None  # where it is not yet known which messages
    initiated_by: str = "{}"
    key: str | None = None


_ADD = """
    INSERT INTO bulk (account_id, bulk_id, modseq, idempotency_key, action, within, undo_of,
        initiated_by, status, listed, total, created_at)
    VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8, ?9, ?10)
"""
_UNDONE = "UPDATE bulk SET undone_by = ?, modseq = ? WHERE account_id = ? AND bulk_id = ?"
_OPEN_OF_ACCOUNT = """
    SELECT count(*) FROM bulk
    WHERE account_id = ? AND status IN ('queued', 'running', 'cancelling')
"""
_MOST_OPEN = 100  # waiting operations of an account: a person has a few, a fault has no end


async def add(tx: Transaction, new: NewBulk) -> BulkRow:
    """Queue it; the one that is there already, for an idempotency key. Raises NotAllowed."""
    if new.key is not None:
        there = await by_key(tx, new.account, new.key)
        if there is not None:
            return there
    counted = await tx.row(_OPEN_OF_ACCOUNT, (new.account,))
    if counted and counted[0] >= _MOST_OPEN:
        raise NotAllowed("Too many operations wait. Let some of them end first.")
    number = BulkId(await next_modseq(tx, new.account))
    total = len(new.messages) if new.total is None else new.total
    row = (new.account, number, new.key, new.action, new.within, new.undo_of, new.initiated_by)
    await tx.run(_ADD, (*row, len(new.messages), total, tx.now()))
    await bulk_list.add(tx, new.account, number, 0, new.messages)
    if new.undo_of is not None:
        await tx.run(_UNDONE, (number, number, new.account, new.undo_of))
    await steered(tx)
    return await get(tx, new.account, number)


_STEER = "UPDATE bulk_steered SET number = number + 1 RETURNING number"


async def steered(tx: Transaction) -> None:
    """Wake those who begin operations, after the commit."""
    rows = await tx.run(_STEER)
    tx.changed(BULK, ModSeq(rows[0][0]))


_SET_STATUS = """
    UPDATE bulk SET status = ?1, modseq = ?2, why = '',
        finished_at = CASE WHEN ?1 = 'cancelled' THEN ?3 END,
        undo_until = CASE WHEN ?1 = 'cancelled' THEN undo_until END
    WHERE account_id = ?4 AND bulk_id = ?5
"""


async def cancel(tx: Transaction, account: AccountId, number: BulkId) -> BulkRow:
    """End it at its next step; at once where it has not begun. One that ended stays as it is.

    Raises NoSuchBulk.
    """
    there = await get(tx, account, number)
    if there.status in (BulkStatus.QUEUED, BulkStatus.RUNNING):
        begun = there.status is BulkStatus.RUNNING
        after = BulkStatus.CANCELLING if begun else BulkStatus.CANCELLED
        modseq = await next_modseq(tx, account)
        await tx.run(_SET_STATUS, (after.value, modseq, tx.now(), account, number))
        await steered(tx)
    return await get(tx, account, number)


_AGAIN = """
    UPDATE bulk SET status = 'queued', modseq = ?, why = '', finished_at = NULL, failed = 0,
        listed = listed + ? WHERE account_id = ? AND bulk_id = ?
"""
_FORGET_FAILURES = "DELETE FROM bulk_failure WHERE account_id = ? AND bulk_id = ?"
_FAILED = "SELECT message_id FROM bulk_failure WHERE account_id = ? AND bulk_id = ? ORDER BY 1"


async def go_on(tx: Transaction, account: AccountId, number: BulkId) -> BulkRow:
    """Do the rest of one that was stopped, and once more what failed.

    Raises NoSuchBulk, NotAllowed.
    """
    there = await get(tx, account, number)
    if there.status in (BulkStatus.QUEUED, BulkStatus.RUNNING):
        return there
    if there.status is BulkStatus.CANCELLING:
        raise NotAllowed("It is being stopped; go on when that is done.")
    if there.undone_by is not None:
        raise NotAllowed("It was undone.")
    failed = [message for (message,) in await tx.rows(_FAILED, (account, number))]
    await bulk_list.add(tx, account, number, there.listed, failed)
    await tx.run(_FORGET_FAILURES, (account, number))
    modseq = await next_modseq(tx, account)
    await tx.run(_AGAIN, (modseq, len(failed), account, number))
    await steered(tx)
    return await get(tx, account, number)


class Failure(msgspec.Struct, frozen=True):
    """A message that could not be done."""

    message: MessageId
    reason: str


_FAILURES = """
    SELECT message_id, reason FROM bulk_failure WHERE account_id = ? AND bulk_id = ?
    ORDER BY message_id LIMIT ?
"""


async def failures(db: Reader, account: AccountId, number: BulkId, most: int) -> list[Failure]:
    """The first of them."""
    return [Failure(*row) for row in await db.rows(_FAILURES, (account, number, most))]


_PRUNED = "SELECT bulk_pruned_modseq FROM account WHERE account_id = ?"
_CHANGED = "SELECT bulk_id, modseq FROM bulk WHERE account_id = ? AND modseq > ?"


async def bulk_changes(db: Reader, account: AccountId, since: Point, limit: int) -> Changes:
    """Which were created and updated. Raises CannotCalculateChanges where some were forgotten."""
    now = await check_point(db, account, since)
    pruned = await db.row(_PRUNED, (account,))
    if pruned and since.floor < pruned[0]:
        raise CannotCalculateChanges
    events: list[tuple[int, int, str]] = []
    for number, modseq in await db.rows(_CHANGED, (account, since.floor)):
        base = since.base(number)
        if number > base:  # its number is the modseq of its creation
            events.append((number, number, "created"))
        elif modseq > base:
            events.append((modseq, number, "updated"))
    return page(events, now, limit)


_OLD = """
    SELECT account_id, bulk_id FROM bulk
    WHERE finished_at < ? AND status NOT IN ('queued', 'running', 'cancelling') LIMIT ?
"""
_FORGET_SOME = """
    DELETE FROM bulk_former
    WHERE account_id = ?1 AND bulk_id = ?2 AND (message_id, mailbox_id, uid) IN (
        SELECT message_id, mailbox_id, uid FROM bulk_former
        WHERE account_id = ?1 AND bulk_id = ?2 LIMIT ?3)
    RETURNING 1
"""
_FORGET = (
    "DELETE FROM bulk_failure WHERE account_id = ? AND bulk_id = ?",
    "DELETE FROM bulk_made WHERE account_id = ? AND bulk_id = ?",
    "DELETE FROM bulk_list WHERE account_id = ? AND bulk_id = ?",
    "DELETE FROM bulk WHERE account_id = ? AND bulk_id = ?",
)
_PRUNE = "UPDATE account SET bulk_pruned_modseq = ? WHERE account_id = ?"


async def old(db: Reader, before: int, most: int) -> list[tuple[AccountId, BulkId]]:
    """Operations that ended before an instant."""
    return [(AccountId(row[0]), BulkId(row[1])) for row in await db.rows(_OLD, (before, most))]


async def forget(tx: Transaction, account: AccountId, number: BulkId, at_most: int) -> bool:
    """Delete an operation and what it would be undone with, so many rows a step; True: all."""
    if len(await tx.run(_FORGET_SOME, (account, number, at_most))) == at_most:
        return False
    for statement in _FORGET:
        await tx.run(statement, (account, number))
    await tx.run(_PRUNE, (await next_modseq(tx, account), account))
    return True


_OF_IDS = f"""
    SELECT {_COLUMNS} FROM bulk
    WHERE account_id = ? AND bulk_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - only names of columns are put in


async def some(db: Reader, account: AccountId, numbers: Sequence[int]) -> dict[int, BulkRow]:
    """Those of the operations that are known."""
    rows = await db.rows(_OF_IDS, (account, json.dumps(list(numbers))))
    return {row[1]: row_of(row) for row in rows}
