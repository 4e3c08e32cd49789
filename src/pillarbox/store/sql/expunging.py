"""EXPUNGE: a place goes, a tombstone stays; the message itself is kept until its retention ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pillarbox.ids import AccountId, MailboxId, ModSeq, Uid
from pillarbox.store.database import Row, Transaction
from pillarbox.store.model import Expunged, Flag
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.modseq import next_modseq

_DELETED = int(Flag.DELETED)
_SEEN = int(Flag.SEEN)

_ALL_DELETED = """
    SELECT uid, message_id, flags, size FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid > ? AND flags & 8 = 8 ORDER BY uid LIMIT ?
"""
_THESE = """
    SELECT uid, message_id, flags, size FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND flags & ? = ?
        AND uid IN (SELECT value FROM json_each(?))
    ORDER BY uid
"""


async def expunge(
    tx: Transaction,
    account: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid] | None = None,
    *,
    force: bool = False,
    at: ModSeq | None = None,
) -> list[Expunged]:
    """Remove the places flagged deleted: all of them, or those of `uids` (RFC 9051 §6.4.9).

    With `force`, those of `uids` whatever their flags. `at`: the last modseq of this transaction,
    for places that go as one. Raises NoSuchMailbox.
    """
    there = await mailboxes.get(tx, account, mailbox)
    bit = 0 if force and uids is not None else _DELETED
    if (bit and not there.deleted) or not there.messages:
        return []
    if uids is None:
        rows = await tx.rows(_ALL_DELETED, (account, mailbox, 0, -1))
    else:
        rows = await tx.rows(_THESE, (account, mailbox, bit, bit, json.dumps(uids)))
    return await _expunge_rows(tx, account, mailbox, rows, at)


async def expunge_some(
    tx: Transaction, account: AccountId, mailbox: MailboxId, *, after: Uid, at_most: int
) -> list[Expunged]:
    """The same for the first of those flagged deleted behind a UID: a step of many.

    Raises NoSuchMailbox.
    """
    there = await mailboxes.get(tx, account, mailbox)
    if not there.deleted:
        return []
    rows = await tx.rows(_ALL_DELETED, (account, mailbox, after, at_most))
    return await _expunge_rows(tx, account, mailbox, rows)


_FIRST = """
    SELECT uid, message_id, flags, size FROM placement
    WHERE account_id = ? AND mailbox_id = ? ORDER BY uid LIMIT ?
"""


async def expunge_first(
    tx: Transaction, account: AccountId, mailbox: MailboxId, at_most: int
) -> list[Expunged]:
    """The first messages of a mailbox, whatever their flags: a step of emptying it."""
    rows = await tx.rows(_FIRST, (account, mailbox, at_most))
    return await _expunge_rows(tx, account, mailbox, rows)


async def _expunge_rows(
    tx: Transaction,
    account: AccountId,
    mailbox: MailboxId,
    rows: list[Row],
    at: ModSeq | None = None,
) -> list[Expunged]:
    if not rows:
        return []
    modseq = at or await next_modseq(tx, account)
    await _free(tx, account, sum(row[3] for row in rows), len(rows))
    await bury(tx, account, mailbox, [(row[0], row[2], row[3]) for row in rows], modseq)
    return [Expunged(row[0], row[1], modseq) for row in rows]


_FREE = """
    UPDATE account SET used_octets = used_octets - ?, used_messages = used_messages - ?
    WHERE account_id = ?
"""


async def _free(tx: Transaction, account: AccountId, octets: int, messages: int) -> None:
    await tx.run(_FREE, (octets, messages, account))


_TOMBSTONES = """
    INSERT INTO expunged
        (account_id, mailbox_id, modseq, uid, message_id, expunged_at, placed_modseq,
        shown_modseq, flags, keywords)
    SELECT account_id, mailbox_id, ?, uid, message_id, ?, placed_modseq, shown_modseq, flags,
        keywords
    FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid IN (SELECT value FROM json_each(?))
    ORDER BY uid
"""
_REMOVE = """
    DELETE FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid IN (SELECT value FROM json_each(?))
"""
_COUNT_OUT = """
    UPDATE mailbox SET modseq = ?, messages = messages - ?, unseen = unseen - ?,
        deleted = deleted - ?, octets = octets - ?
    WHERE account_id = ? AND mailbox_id = ?
"""


async def bury(
    tx: Transaction,
    account: AccountId,
    mailbox: MailboxId,
    rows: list[Row],
    modseq: ModSeq,
) -> None:
    """Remove places given as (uid, flags, size); the account's use is not touched."""
    uids = json.dumps([row[0] for row in rows])
    await tx.run(_TOMBSTONES, (modseq, tx.now(), account, mailbox, uids))
    await tx.run(_REMOVE, (account, mailbox, uids))
    await tx.run(
        _COUNT_OUT,
        (
            modseq,
            len(rows),
            sum(1 for row in rows if not row[1] & _SEEN),
            sum(1 for row in rows if row[1] & _DELETED),
            sum(row[2] for row in rows),
            account,
            mailbox,
        ),
    )
