"""Mail on its way out: it is added in the transaction that answers 250, listed, and forgotten.

Sending it is in `queue_lease`, telling the sender in `queue_reports`, steering in `queue_steer`.
"""

from __future__ import annotations

import json

from pillarbox.dns.errors import BadDnsName
from pillarbox.dns.names import fold_name
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import (
    QueuedMessage,
    QueuedRecipient,
    QueuedRow,
    RecipientState,
)

QUEUE = AccountId(0)  # in the feed: no account, but the queue; its number is the newest message's
STEERED = ModSeq(0)  # in the feed: something in the queue was changed by hand

MESSAGE = """queued_id, account_id, blob_id, size, trace, reverse_path, journey, smtputf8, body,
    ret, envid, requiretls, queued_at, hold"""
_ADD = """
    INSERT INTO queued (account_id, blob_id, size, trace, reverse_path, journey, smtputf8,
        body, ret, envid, requiretls, queued_at, hold)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING queued_id
"""
_ADD_RECIPIENT = """
    INSERT INTO queued_recipient
        (queued_id, number, forward_path, domain, route, lane, notify, orcpt, state, due_at)
    VALUES (?1, ?2, ?3, ?4, ?9, CASE ?9 WHEN '' THEN ?4 ELSE ?9 END, ?5, ?6, ?7, ?8)
"""


async def add(tx: Transaction, message: QueuedMessage, blob: SealedBlob) -> int:
    """Queue a message for all its recipients and wake those who send; its number."""
    await tx.keep(blob)
    now = tx.now()
    rows = await tx.run(
        _ADD,
        (
            message.account,
            blob.id,
            len(message.trace) + blob.size,
            message.trace,
            message.reverse_path,
            message.journey,
            message.smtputf8,
            message.body,
            message.ret,
            message.envid,
            message.requiretls,
            now,
            message.hold,
        ),
    )
    number = int(rows[0][0])
    held = message.release_at is not None and message.release_at > now
    state = RecipientState.HELD if held else RecipientState.WAITING
    due_at = message.release_at if held else now
    await tx.run_many(
        _ADD_RECIPIENT,
        [
            (
                number,
                at,
                one.forward_path,
                domain_of(one),
                one.notify,
                one.orcpt,
                state,
                due_at,
                one.route,
            )
            for at, one in enumerate(message.recipients)
        ],
    )
    tx.changed(QUEUE, ModSeq(number))
    return number


def domain_of(recipient: QueuedRecipient) -> str:
    """The domain that a forward path leads to, as an A-label; what is none stays as written."""
    domain = recipient.forward_path.rpartition("@")[2]
    if domain.isascii():
        return domain.lower()
    try:
        return fold_name(domain)
    except BadDnsName:
        return domain.lower()


_COUNTS = "SELECT state, count(*) FROM queued_recipient GROUP BY state"
_OLDEST = """
    SELECT queued_at FROM queued WHERE queued_id =
        (SELECT min(queued_id) FROM queued_recipient WHERE finished_at IS NULL)
"""
_LIST = f"SELECT {MESSAGE} FROM queued WHERE queued_id > ? ORDER BY queued_id LIMIT ?"  # noqa: S608 - only names of columns are put in
_GET = f"""
    SELECT {MESSAGE} FROM queued WHERE queued_id IN (SELECT value FROM json_each(?))
    ORDER BY queued_id
"""  # noqa: S608 - only MESSAGE is put in
_RECIPIENTS = """
    SELECT queued_id, forward_path, notify, orcpt, state FROM queued_recipient
    WHERE queued_id >= ? AND queued_id <= ? ORDER BY queued_id, number
"""


async def counts(db: Reader) -> dict[RecipientState, int]:
    """Recipients in each state; all states are there. For a reader thread: it reads every row."""
    found: dict[str, int] = dict(await db.rows(_COUNTS))
    return {state: found.get(state.value, 0) for state in RecipientState}


async def oldest(db: Reader) -> int | None:
    """When the oldest message that still waits or is held was queued; None: there is none."""
    row = await db.row(_OLDEST)
    return int(row[0]) if row is not None else None


async def list_queued(db: Reader, limit: int = 100, after: int = 0) -> list[QueuedRow]:
    """Queued messages in the order of their arrival, from the one after number `after`."""
    rows = await db.rows(_LIST, (after, limit))
    if not rows:
        return []
    recipients: dict[int, list[tuple[QueuedRecipient, RecipientState]]] = {}
    for number, path, notify, orcpt, state in await db.rows(_RECIPIENTS, (rows[0][0], rows[-1][0])):
        recipients.setdefault(number, []).append(
            (QueuedRecipient(path, notify, orcpt), RecipientState(state))
        )
    return [message_of(row, tuple(recipients[row[0]])) for row in rows]


async def get_messages(db: Reader, numbers: list[int]) -> dict[int, QueuedRow]:
    """Messages by their numbers, without recipients; those that are gone are left out."""
    rows = await db.rows(_GET, (json.dumps(numbers),))
    return {row[0]: message_of(row) for row in rows}


def message_of(
    row: Row, recipients: tuple[tuple[QueuedRecipient, RecipientState], ...] = ()
) -> QueuedRow:
    """A row of MESSAGE as a value."""
    number, account, blob, size, trace, path, journey, utf8, body, ret, envid, tls, at, hold = row
    return QueuedRow(
        id=number,
        account=account,
        blob=blob,
        size=size,
        trace=trace,
        reverse_path=path,
        journey=journey,
        smtputf8=bool(utf8),
        body=body,
        ret=ret,
        envid=envid,
        requiretls=bool(tls),
        queued_at=at,
        hold=hold,
        recipients=recipients,
    )


# A message may go when nothing of it is open, nothing is to be told, and the last end is old.
# Numbers and times of queueing grow together: the look ends at the first young one.
_ENDED = """
    SELECT queued_id FROM queued q
    WHERE queued_id > ?1 AND queued_id < coalesce(
            (SELECT queued_id FROM queued WHERE queued_at > ?2 ORDER BY queued_id LIMIT 1),
            1 << 62)
        AND NOT EXISTS (
        SELECT 1 FROM queued_recipient r
        WHERE r.queued_id = q.queued_id
            AND (r.finished_at IS NULL OR r.finished_at > ?2 OR r.report <> ''))
    ORDER BY queued_id LIMIT ?3
"""
_FORGET = "DELETE FROM queued WHERE queued_id IN (SELECT value FROM json_each(?)) RETURNING blob_id"
_FORGET_RECIPIENTS = """
    DELETE FROM queued_recipient WHERE queued_id IN (SELECT value FROM json_each(?))
"""
_RELEASE = "UPDATE blob SET refs = refs - 1 WHERE blob_id = ?"


async def ended(db: Reader, before: int, limit: int, after: int = 0) -> list[int]:
    """Numbers above `after` of messages all of whose recipients ended before an instant."""
    return [int(row[0]) for row in await db.rows(_ENDED, (after, before, limit))]


async def forget(tx: Transaction, numbers: list[int]) -> int:
    """Delete ended messages and their part in the octets; how many there were."""
    part = json.dumps(numbers)
    blobs = await tx.run(_FORGET, (part,))
    await tx.run(_FORGET_RECIPIENTS, (part,))
    await tx.run_many(_RELEASE, blobs)
    return len(blobs)
