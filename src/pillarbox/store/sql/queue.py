"""Mail on its way out. It is added in the transaction that answers 250; sending reads it here."""

from __future__ import annotations

from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import (
    QueuedMessage,
    QueuedRecipient,
    QueuedRow,
    RecipientState,
)

_ADD = """
    INSERT INTO queued (account_id, blob_id, size, trace, reverse_path, journey, smtputf8,
        body_8bit, ret, envid, queued_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING queued_id
"""
_ADD_RECIPIENT = """
    INSERT INTO queued_recipient
        (queued_id, number, forward_path, notify, orcpt, state, next_attempt_at)
    VALUES (?, ?, ?, ?, ?, 'waiting', ?)
"""


async def add(tx: Transaction, message: QueuedMessage, blob: SealedBlob) -> int:
    """Queue a message for all its recipients; its number."""
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
            message.body_8bit,
            message.ret,
            message.envid,
            now,
        ),
    )
    number = int(rows[0][0])
    await tx.run_many(
        _ADD_RECIPIENT,
        [
            (number, at, recipient.forward_path, recipient.notify, recipient.orcpt, now)
            for at, recipient in enumerate(message.recipients)
        ],
    )
    return number


_COUNTS = "SELECT state, count(*) FROM queued_recipient GROUP BY state"
_LIST = """
    SELECT queued_id, account_id, blob_id, size, trace, reverse_path, journey, smtputf8,
        body_8bit, ret, envid, queued_at
    FROM queued WHERE queued_id > ? ORDER BY queued_id LIMIT ?
"""
_RECIPIENTS = """
    SELECT queued_id, forward_path, notify, orcpt, state FROM queued_recipient
    WHERE queued_id >= ? AND queued_id <= ? ORDER BY queued_id, number
"""


async def counts(db: Reader) -> dict[RecipientState, int]:
    """Recipients in each state; all states are there."""
    found: dict[str, int] = dict(await db.rows(_COUNTS))
    return {state: found.get(state.value, 0) for state in RecipientState}


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
    return [
        QueuedRow(*(*row[:7], bool(row[7]), bool(row[8]), *row[9:], tuple(recipients[row[0]])))
        for row in rows
    ]
