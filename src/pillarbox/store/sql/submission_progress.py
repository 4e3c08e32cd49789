"""What the queue does to messages that were sent over JMAP, noted in its own transactions."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pillarbox.ids import AccountId
from pillarbox.store.database import Transaction
from pillarbox.store.sql.modseq import next_modseq

_TOUCHED = """
    SELECT DISTINCT account_id, submission_id FROM submission_copy
    WHERE queued_id > 0 AND queued_id IN (SELECT value FROM json_each(?))
"""
_COPY_ROWS = """
    UPDATE submission_copy AS c SET state = r.state, reply = r.reply
    FROM queued_recipient AS r
    WHERE c.account_id = ?1 AND c.submission_id = ?2 AND c.queued_id > 0
        AND r.queued_id = c.queued_id AND r.number = c.number
        AND (c.state <> r.state OR c.reply <> r.reply)
    RETURNING 1
"""
# An end counts as well, also one that somebody else than its sender made.
_FINAL = """
    UPDATE submission AS s SET undo = 'final'
    WHERE s.account_id = ?1 AND s.submission_id = ?2 AND s.undo = 'pending' AND EXISTS (
        SELECT 1 FROM submission_copy c
        JOIN queued_recipient r ON r.queued_id = c.queued_id AND r.number = c.number
        WHERE c.account_id = ?1 AND c.submission_id = ?2
            AND (r.attempts > 0 OR r.uncertain OR r.sending_since IS NOT NULL
                OR r.finished_at IS NOT NULL))
    RETURNING 1
"""
_STAMP = "UPDATE submission SET modseq = ? WHERE account_id = ? AND submission_id = ?"


async def note_progress(tx: Transaction, queued: Iterable[int]) -> None:
    """Rows of these queued messages were changed in this write; call it behind the changes."""
    numbers = json.dumps(sorted(set(queued)))
    for account, submission in await tx.rows(_TOUCHED, (numbers,)):
        # A recipient that waits may be leased and given back: neither is news.
        moved = await tx.run(_COPY_ROWS, (account, submission))
        if await tx.run(_FINAL, (account, submission)) or moved:
            modseq = await next_modseq(tx, AccountId(account))
            await tx.run(_STAMP, (modseq, account, submission))
