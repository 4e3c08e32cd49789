"""Messages that accounts sent over JMAP, and what became of them (RFC 8621 §7).

A row is written in the transaction that puts the message into mailboxes and the queue; the queue's
own writes keep it true (`submission_progress`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId, MessageId, ThreadId
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import OPEN_STATES, RecipientState
from pillarbox.store.sql import sending_gone
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.queue_steer import Steer, steer


class Undo(StrEnum):
    """Whether it can be taken back."""

    PENDING = "pending"
    FINAL = "final"
    CANCELED = "canceled"


class Copy(msgspec.Struct, frozen=True):
    """One way that the message took for a recipient."""

    recipient: str
    state: RecipientState
    reply: str = ""
    queued: int = 0  # 0: put into a mailbox at once
    number: int = 0  # within the queued message


class NewSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be kept."""

    identity: int
    message: MessageId
    thread: ThreadId
    mail_from: dict[str, Any]  # an Address of JMAP
    rcpt_to: list[dict[str, Any]]
    send_at: int  # Unix seconds
    copies: Sequence[Copy]


class SubmissionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One that was kept."""

    id: int
    identity: int
    message: MessageId
    thread: ThreadId
    mail_from: dict[str, Any]
    rcpt_to: list[dict[str, Any]]
    undo: Undo
    made_at: int
    send_at: int
    copies: list[Copy] = []


class CannotUnsend(NotFound):
    """Some of it may have left."""

    sentence = "The message cannot be taken back any more."


_ADD = """
    INSERT INTO submission (account_id, submission_id, identity_id, message_id, thread_id,
        mail_from, rcpt_to, undo, made_at, send_at, created_modseq, modseq)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?2, ?2)
"""
_ADD_COPY = """
    INSERT INTO submission_copy
        (account_id, submission_id, recipient, queued_id, number, state, reply)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""


async def add(tx: Transaction, account: AccountId, new: NewSubmission) -> SubmissionRow:
    """Keep it; what went into a mailbox cannot be taken back."""
    number = int(await next_modseq(tx, account))
    waits = all(copy.queued and copy.state in OPEN_STATES for copy in new.copies)
    row = SubmissionRow(
        id=number,
        identity=new.identity,
        message=new.message,
        thread=new.thread,
        mail_from=new.mail_from,
        rcpt_to=new.rcpt_to,
        undo=Undo.PENDING if waits else Undo.FINAL,
        made_at=tx.now(),
        send_at=new.send_at,
        copies=list(new.copies),
    )
    await tx.run(
        _ADD,
        (
            account,
            number,
            row.identity,
            row.message,
            row.thread,
            json.dumps(row.mail_from),
            json.dumps(row.rcpt_to),
            row.undo,
            row.made_at,
            row.send_at,
        ),
    )
    await tx.run_many(
        _ADD_COPY,
        [
            (account, number, one.recipient, one.queued, one.number, one.state, one.reply)
            for one in new.copies
        ],
    )
    return row


_COLUMNS = """submission_id, identity_id, message_id, thread_id, mail_from, rcpt_to, undo, made_at,
    send_at"""
_ALL = f"SELECT {_COLUMNS} FROM submission WHERE account_id = ? ORDER BY submission_id"  # noqa: S608 - only names of columns are put in
_SOME = f"""
    SELECT {_COLUMNS} FROM submission
    WHERE account_id = ? AND submission_id IN (SELECT value FROM json_each(?))
    ORDER BY submission_id
"""  # noqa: S608 - only the columns are put in
_OF_MESSAGE = f"""
    SELECT {_COLUMNS} FROM submission
    WHERE account_id = ? AND message_id = ? AND (made_at > ? OR undo = 'pending')
        AND undo <> 'canceled'
    ORDER BY submission_id
"""  # noqa: S608 - only names of columns are put in
_MODSEQS = """
    SELECT submission_id, modseq FROM submission
    WHERE account_id = ? AND submission_id IN (SELECT value FROM json_each(?))
"""
_COPIES = """
    SELECT submission_id, recipient, state, reply, queued_id, number FROM submission_copy
    WHERE account_id = ? AND submission_id IN (SELECT value FROM json_each(?))
    ORDER BY submission_id, recipient, queued_id, number
"""


async def all_of(db: Reader, account: AccountId) -> list[SubmissionRow]:
    """Without copies, in the order in which they came."""
    return [_row(row) for row in await db.rows(_ALL, (account,))]


async def some_of(db: Reader, account: AccountId, numbers: Sequence[int]) -> list[SubmissionRow]:
    """Those that there are, whole."""
    asked = json.dumps(numbers)
    found = {row[0]: _row(row) for row in await db.rows(_SOME, (account, asked))}
    for number, recipient, state, reply, queued, at in await db.rows(_COPIES, (account, asked)):
        if number in found:
            copy = Copy(recipient, RecipientState(state), reply, queued, at)
            found[number].copies.append(copy)
    return list(found.values())


async def modseqs(db: Reader, account: AccountId, numbers: Sequence[int]) -> dict[int, int]:
    """Of the last change of each that there is."""
    rows = await db.rows(_MODSEQS, (account, json.dumps(numbers)))
    return dict(rows)


async def of_message(
    db: Reader, account: AccountId, message: MessageId, since: int
) -> list[SubmissionRow]:
    """What was sent of a message since an instant and not taken back; without copies."""
    return [_row(row) for row in await db.rows(_OF_MESSAGE, (account, message, since))]


_QUEUED_COPIES = """
    SELECT c.queued_id, c.number, r.attempts, r.uncertain, r.sending_since, r.finished_at
    FROM submission_copy c
    LEFT JOIN queued_recipient r ON r.queued_id = c.queued_id AND r.number = c.number
    WHERE c.account_id = ? AND c.submission_id = ?
"""
_CANCELED = """
    UPDATE submission SET undo = 'canceled', modseq = ? WHERE account_id = ? AND submission_id = ?
"""
_CANCELED_COPIES = """
    UPDATE submission_copy SET state = 'dropped' WHERE account_id = ? AND submission_id = ?
"""


async def cancel(tx: Transaction, account: AccountId, number: int) -> None:
    """Take it out of the queue, for all recipients. Raises NotFound, CannotUnsend.

    The rows themselves are looked at, in the transaction that ends them: a worker marks a recipient
    by a commit before the first octet is sent, so that one without a mark was sent nothing.
    """
    rows = await some_of(tx, account, [number])
    if not rows:
        raise NotFound
    if rows[0].undo is Undo.CANCELED:
        return
    keys = []
    for queued, at, attempts, uncertain, since, ended in await tx.rows(
        _QUEUED_COPIES, (account, number)
    ):
        if attempts != 0 or uncertain or since is not None or ended is not None:
            raise CannotUnsend  # attempts is NULL where there is no such row any more
        keys.append((queued, at))
    if rows[0].undo is Undo.FINAL or not keys:
        raise CannotUnsend
    await tx.run(_CANCELED_COPIES, (account, number))
    modseq = await next_modseq(tx, account)
    await tx.run(_CANCELED, (modseq, account, number))
    await steer(tx, keys, Steer.DROP)


_REMOVE = """
    DELETE FROM submission WHERE account_id = ? AND submission_id = ? RETURNING created_modseq
"""
_REMOVE_COPIES = "DELETE FROM submission_copy WHERE account_id = ? AND submission_id = ?"
_OLD = """
    SELECT account_id, submission_id FROM submission WHERE send_at < ? AND undo <> 'pending'
    LIMIT ?
"""


async def remove(tx: Transaction, account: AccountId, number: int) -> None:
    """Forget it; what is under way goes on. Raises NotFound."""
    rows = await tx.run(_REMOVE, (account, number))
    if not rows:
        raise NotFound
    await tx.run(_REMOVE_COPIES, (account, number))
    modseq = await next_modseq(tx, account)
    await sending_gone.bury(tx, account, "submission", number, rows[0][0], modseq)


async def forget(tx: Transaction, before: int, limit: int) -> int:
    """Forget those that were due before an instant, at most so many; how many there were."""
    rows = await tx.rows(_OLD, (before, limit))
    for account, number in rows:
        await remove(tx, AccountId(account), number)
    return len(rows)


def _row(row: Row) -> SubmissionRow:
    number, identity, message, thread, mail_from, rcpt_to, undo, made_at, send_at = row
    return SubmissionRow(
        id=number,
        identity=identity,
        message=message,
        thread=thread,
        mail_from=json.loads(mail_from),
        rcpt_to=json.loads(rcpt_to),
        undo=Undo(undo),
        made_at=made_at,
        send_at=send_at,
        copies=[],
    )
