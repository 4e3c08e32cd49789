"""COPY and MOVE: a message gets a further place, or another one."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pillarbox.errors import LimitReached, NoSuchMailbox, OverQuota
from pillarbox.ids import MAX_UID, AccountId, MailboxId, ModSeq, Uid
from pillarbox.store.database import Row, Transaction
from pillarbox.store.model import Copied, Flag, Mailbox
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.expunging import bury
from pillarbox.store.sql.modseq import next_modseq

_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)

_SOURCE = """
    SELECT uid, flags, size FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid IN (SELECT value FROM json_each(?))
    ORDER BY uid
"""
_ALL = """
    SELECT uid, flags, size FROM placement
    WHERE account_id = ? AND mailbox_id = ? ORDER BY uid
"""
_COUNT_IN_ACCOUNT = """
    UPDATE account SET used_octets = used_octets + ?, used_messages = used_messages + ?
    WHERE account_id = ? RETURNING quota_octets, used_octets, quota_messages, used_messages
"""
_COUNT_IN_MAILBOX = """
    UPDATE mailbox SET uid_next = uid_next + ?, modseq = ?, messages = messages + ?,
        unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?
    WHERE account_id = ? AND mailbox_id = ?
"""
_PLACE = """
    INSERT INTO placement
        (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, size, saved_at,
        received_at)
    SELECT account_id, ?, ? + row_number() OVER (ORDER BY uid) - 1, message_id, flags, keywords,
        ?, size, ?, received_at
    FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid IN (SELECT value FROM json_each(?))
    ORDER BY uid
"""


def check_uid(uid: int) -> None:
    """Raises LimitReached past the largest UID that clients can read."""
    if uid >= MAX_UID:
        raise LimitReached("The mailbox has used up its numbers; move its mail to a new one.")


async def copy(
    tx: Transaction,
    account: AccountId,
    source: MailboxId,
    uids: Sequence[Uid],
    target: MailboxId,
) -> Copied:
    """Place messages a second time (RFC 9051 §6.4.7); UIDs that are not there are skipped.

    Raises OverQuota, NoSuchMailbox, LimitReached; then nothing was copied.
    """
    rows = await tx.rows(_SOURCE, (account, source, json.dumps(uids)))
    into = await _target(tx, account, target)
    if not rows:
        return Copied(into.uid_validity, [], [])
    counted = await tx.run(_COUNT_IN_ACCOUNT, (sum(row[2] for row in rows), len(rows), account))
    quota_octets, used_octets, quota_messages, used_messages = counted[0]
    if (quota_octets and used_octets > quota_octets) or (
        quota_messages and used_messages > quota_messages
    ):
        raise OverQuota
    return await _place(tx, source, rows, into, await next_modseq(tx, account))


async def move(
    tx: Transaction,
    account: AccountId,
    source: MailboxId,
    uids: Sequence[Uid],
    target: MailboxId,
) -> Copied:
    """Place messages elsewhere (RFC 6851); UIDs that are not there are skipped.

    Needs no quota. Into its own mailbox, a message gets a new UID. Raises NoSuchMailbox,
    LimitReached.
    """
    rows = await tx.rows(_SOURCE, (account, source, json.dumps(uids)))
    return await _move(tx, account, source, rows, target)


async def move_all(
    tx: Transaction, account: AccountId, source: MailboxId, target: MailboxId
) -> Copied:
    """The same for every message of the source."""
    rows = await tx.rows(_ALL, (account, source))
    return await _move(tx, account, source, rows, target)


async def _move(
    tx: Transaction, account: AccountId, source: MailboxId, rows: list[Row], target: MailboxId
) -> Copied:
    into = await _target(tx, account, target)
    if not rows:
        return Copied(into.uid_validity, [], [])
    modseq = await next_modseq(tx, account)
    copied = await _place(tx, source, rows, into, modseq)
    await bury(tx, account, source, rows, modseq)
    return copied


async def _target(tx: Transaction, account: AccountId, mailbox: MailboxId) -> Mailbox:
    into = await mailboxes.get(tx, account, mailbox)
    if not into.selectable:
        raise NoSuchMailbox
    return into


async def _place(
    tx: Transaction, source: MailboxId, rows: list[Row], into: Mailbox, modseq: ModSeq
) -> Copied:
    """`rows` are (uid, flags, size) in the source, ascending."""
    first, count = into.uid_next, len(rows)
    check_uid(first + count - 1)
    account, target = into.account, into.id
    uids = [row[0] for row in rows]
    await tx.run(_PLACE, (target, first, modseq, tx.now(), account, source, json.dumps(uids)))
    unseen = sum(1 for row in rows if not row[1] & _SEEN)
    deleted = sum(1 for row in rows if row[1] & _DELETED)
    octets = sum(row[2] for row in rows)
    await tx.run(
        _COUNT_IN_MAILBOX, (count, modseq, count, unseen, deleted, octets, account, target)
    )
    return Copied(into.uid_validity, uids, [Uid(uid) for uid in range(first, first + count)])
