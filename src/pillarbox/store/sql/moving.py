"""COPY and MOVE: a message gets a further place, or another one."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pillarbox.errors import NoSuchMailbox, OverQuota
from pillarbox.ids import AccountId, MailboxId, ModSeq, Uid
from pillarbox.store.database import Row, Transaction
from pillarbox.store.model import Copied, Flag, Mailbox, Role
from pillarbox.store.sql import mailboxes, spare
from pillarbox.store.sql.expunging import bury
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.renumbering import is_full, renumber

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
        received_at, placed_modseq, thread_id)
    SELECT account_id, ?1, ?2 + row_number() OVER (ORDER BY uid) - 1, message_id, flags, keywords,
        ?3, size, ?4, received_at, ?3, thread_id
    FROM placement
    WHERE account_id = ?5 AND mailbox_id = ?6 AND uid IN (SELECT value FROM json_each(?7))
    ORDER BY uid
"""


async def copy(
    tx: Transaction,
    account: AccountId,
    source: MailboxId,
    uids: Sequence[Uid],
    target: MailboxId,
) -> Copied:
    """Place messages a second time (RFC 9051 §6.4.7); UIDs that are not there are skipped.

    Into the trash they may exceed the quota somewhat.
    Raises OverQuota, NoSuchMailbox; then nothing was copied.
    """
    into, source, uids = await _room(tx, account, source, uids, target)
    rows = await tx.rows(_SOURCE, (account, source, json.dumps(uids)))
    if not rows:
        return Copied(into.uid_validity, [], [])
    counted = await tx.run(_COUNT_IN_ACCOUNT, (sum(row[2] for row in rows), len(rows), account))
    use = spare.Use(*counted[0])
    more = spare.trash(tx.settings, use) if into.role is Role.TRASH else spare.NONE
    if not spare.fits(use, more):
        raise OverQuota
    return await _place(tx, source, rows, into, await next_modseq(tx, account))


async def move(
    tx: Transaction,
    account: AccountId,
    source: MailboxId,
    uids: Sequence[Uid],
    target: MailboxId,
    at: ModSeq | None = None,
) -> Copied:
    """Place messages elsewhere (RFC 6851); UIDs that are not there are skipped.

    Needs no quota. Into its own mailbox, a message gets a new UID. `at`: the last modseq of this
    transaction, for places that go as one. Raises NoSuchMailbox.
    """
    into, source, uids = await _room(tx, account, source, uids, target)
    rows = await tx.rows(_SOURCE, (account, source, json.dumps(uids)))
    return await _move(tx, account, source, rows, into, at)


async def move_all(
    tx: Transaction, account: AccountId, source: MailboxId, target: MailboxId
) -> Copied:
    """The same for every message of the source."""
    rows = await tx.rows(_ALL, (account, source))
    into, source, _ = await _room(tx, account, source, [row[0] for row in rows], target)
    return await _move(tx, account, source, rows, into)


async def _move(
    tx: Transaction,
    account: AccountId,
    source: MailboxId,
    rows: list[Row],
    into: Mailbox,
    at: ModSeq | None = None,
) -> Copied:
    if not rows:
        return Copied(into.uid_validity, [], [])
    modseq = at or await next_modseq(tx, account)
    copied = await _place(tx, source, rows, into, modseq)
    await bury(tx, account, source, rows, modseq)
    return copied


async def _room(
    tx: Transaction,
    account: AccountId,
    source: MailboxId,
    uids: Sequence[Uid],
    target: MailboxId,
) -> tuple[Mailbox, MailboxId, Sequence[Uid]]:
    """The target, with UIDs enough; source and UIDs as they are now, if it is the same mailbox."""
    into = await mailboxes.get(tx, account, target)
    if not into.selectable:
        raise NoSuchMailbox
    if not is_full(into.uid_next, len(uids)):
        return into, source, uids
    if source == target:
        there = [row[0] for row in await tx.rows(_ALL, (account, source))]
        now = {old: Uid(new) for new, old in enumerate(there, 1)}
        uids = [now[uid] for uid in uids if uid in now]
    new, _, _ = await renumber(tx, account, target, await next_modseq(tx, account))
    return await mailboxes.get(tx, account, new), new if source == target else source, uids


async def _place(
    tx: Transaction, source: MailboxId, rows: list[Row], into: Mailbox, modseq: ModSeq
) -> Copied:
    """`rows` are (uid, flags, size) in the source, ascending."""
    first, count = into.uid_next, len(rows)
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
