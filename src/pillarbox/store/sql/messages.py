"""Messages: appended once, never changed; their places in mailboxes are in `placements`."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

import msgspec

from pillarbox.errors import NoSuchAccount, NoSuchMailbox, NoSuchMessage, OverQuota
from pillarbox.ids import (
    AccountId,
    MailboxId,
    MessageId,
    ModSeq,
    ThreadId,
    Uid,
    UidValidity,
)
from pillarbox.message.casefold import fold
from pillarbox.message.part import Digest
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import Flag, MessageRow, Role
from pillarbox.store.query import SortRow, ThreadRow
from pillarbox.store.sql import mailboxes, spare, threads
from pillarbox.store.sql.expunging import expunge
from pillarbox.store.sql.flags import find_unchanged, first_flags, last_flags, store_flags
from pillarbox.store.sql.keywords import all_keywords, canonical
from pillarbox.store.sql.moving import copy, move
from pillarbox.store.sql.names import INBOX
from pillarbox.store.sql.renumbering import is_full, renumber

__all__ = [
    "Appended",
    "NewMessage",
    "all_keywords",
    "append",
    "columns",
    "copy",
    "expunge",
    "find_unchanged",
    "first_flags",
    "get",
    "get_many",
    "last_flags",
    "move",
    "sort_rows",
    "store_flags",
    "thread_rows",
]

_ASKED_AT_ONCE = 500  # ids in one statement


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to put a message into a mailbox."""

    account: AccountId
    mailbox: MailboxId | None  # None: INBOX
    blob: SealedBlob
    digest: Digest  # of the blob's octets
    trace: bytes = b""
    flags: int = 0
    keywords: str = ""
    received_at: int | None = None  # None: now
    check_quota: bool = True


class Appended(msgspec.Struct, frozen=True):
    """Where it went."""

    mailbox: MailboxId
    uid: Uid
    uid_validity: UidValidity
    message: MessageId
    thread: ThreadId
    modseq: ModSeq


_COUNT_IN_ACCOUNT = """
    UPDATE account SET modseq = modseq + 1, last_message = last_message + 1,
        used_octets = used_octets + ?, used_messages = used_messages + 1
    WHERE account_id = ?
    RETURNING modseq, last_message, quota_octets, used_octets, quota_messages, used_messages
"""
_COUNT_IN_MAILBOX = """
    UPDATE mailbox SET uid_next = uid_next + 1, modseq = ?, messages = messages + 1,
        unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?
    WHERE account_id = ? AND mailbox_id = ? AND selectable = 1
    RETURNING mailbox_id, uid_next - 1, uid_validity
"""
_COUNT_IN_INBOX = """
    UPDATE mailbox SET uid_next = uid_next + 1, modseq = ?, messages = messages + 1,
        unseen = unseen + ?, deleted = deleted + ?, octets = octets + ?
    WHERE account_id = ? AND path = ? AND selectable = 1
    RETURNING mailbox_id, uid_next - 1, uid_validity
"""
_PLACE = """
    INSERT INTO placement
        (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, size, saved_at,
        received_at, placed_modseq, thread_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?7, ?11)
"""


async def append(tx: Transaction, new: NewMessage) -> Appended:
    """Store a message and place it in a mailbox.

    Raises OverQuota, NoSuchAccount, NoSuchMailbox, LimitReached (keywords), Unavailable.
    """
    size = len(new.trace) + new.blob.size
    modseq, message = await _count_in_account(tx, new, size)
    keywords = await canonical(tx, new.account, new.keywords)
    mailbox, uid, uid_validity = await _count_in_mailbox(tx, new, modseq, size)
    thread = await threads.thread_of(tx, new.account, message, new.digest)
    await tx.keep(new.blob)
    now = tx.now()
    received_at = now if new.received_at is None else new.received_at
    await tx.run(_INSERT, _message_params(new, message, thread, size, received_at))
    await tx.run(
        _PLACE,
        (
            new.account,
            mailbox,
            uid,
            message,
            int(new.flags),
            keywords,
            modseq,
            size,
            now,
            received_at,
            thread,
        ),
    )
    tx.changed(new.account, modseq)
    return Appended(mailbox, uid, uid_validity, message, thread, modseq)


async def _count_in_account(
    tx: Transaction, new: NewMessage, size: int
) -> tuple[ModSeq, MessageId]:
    counted = await tx.run(_COUNT_IN_ACCOUNT, (size, new.account))
    if not counted:
        raise NoSuchAccount
    modseq, message, *counts = counted[0]
    if new.check_quota and not spare.fits(use := spare.Use(*counts)):
        if not (new.flags & Flag.DRAFT and await _is_drafts(tx, new)):
            raise OverQuota
        if not spare.fits(use, spare.drafts(tx.settings)):
            raise OverQuota
    return ModSeq(modseq), MessageId(message)


async def _is_drafts(tx: Transaction, new: NewMessage) -> bool:
    drafts = await mailboxes.by_role(tx, new.account, Role.DRAFTS)
    return drafts is not None and drafts.id == new.mailbox


async def _count_in_mailbox(
    tx: Transaction, new: NewMessage, modseq: ModSeq, size: int
) -> tuple[MailboxId, Uid, UidValidity]:
    unseen = 0 if new.flags & Flag.SEEN else 1
    deleted = 1 if new.flags & Flag.DELETED else 0
    counts = (modseq, unseen, deleted, size, new.account)
    if new.mailbox is None:
        placed = await tx.run(_COUNT_IN_INBOX, (*counts, INBOX))
    else:
        placed = await tx.run(_COUNT_IN_MAILBOX, (*counts, new.mailbox))
    if not placed:
        raise NoSuchMailbox
    mailbox, uid, uid_validity = placed[0]
    if is_full(uid):
        mailbox, uid, uid_validity = await renumber(tx, new.account, mailbox, modseq, reserve=1)
    return MailboxId(mailbox), Uid(uid), UidValidity(uid_validity)


_INSERT = """
    INSERT INTO message (
        account_id, message_id, thread_id, blob_id, size, received_at, sent_at, sent_on,
        has_attachment, is_reply, id_hash, reference_hashes, base_subject,
        from_mailbox, to_mailbox, cc_mailbox, display_from, display_to,
        folded_subject, folded_from, folded_to, folded_cc, folded_bcc,
        envelope, body, bodystructure, structure, preview, trace)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_encode = msgspec.msgpack.Encoder().encode


def _message_params(
    new: NewMessage, message: MessageId, thread: ThreadId, size: int, received_at: int
) -> Row:
    digest = new.digest
    sort = digest.sort
    return (
        new.account,
        message,
        thread,
        new.blob.id,
        size,
        received_at,
        digest.sent_at,
        digest.sent_on,
        digest.has_attachment,
        sort.is_reply,
        threads.id_hash(digest.message_id),
        _encode(threads.reference_hashes(digest)),
        sort.base_subject,
        sort.from_mailbox,
        sort.to_mailbox,
        sort.cc_mailbox,
        sort.display_from,
        sort.display_to,
        fold(digest.subject),
        fold(digest.from_),
        fold(digest.to),
        fold(digest.cc),
        fold(digest.bcc),
        digest.envelope,
        digest.body,
        digest.bodystructure,
        _encode(digest.root),
        digest.preview,
        new.trace,
    )


_GET_MANY = """
    SELECT message_id, thread_id, blob_id, size, trace, received_at, sent_at, envelope, body,
        bodystructure, structure, preview, has_attachment
    FROM message
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""
_LISTED = "IN (SELECT value FROM json_each(?))"
_GET_ONE = _GET_MANY.replace(_LISTED, "= ?")  # a list of one costs twice as much


async def get(db: Reader, account: AccountId, message: MessageId) -> MessageRow:
    """Raises NoSuchMessage. An expunged message is there until its retention ends."""
    found = await get_many(db, account, [message])
    if message not in found:
        raise NoSuchMessage
    return found[message]


async def get_many(
    db: Reader, account: AccountId, messages: Sequence[MessageId]
) -> dict[MessageId, MessageRow]:
    """Those of the messages that exist."""
    found: dict[MessageId, MessageRow] = {}
    for row in await _rows_of(db, account, messages, _GET_MANY, _GET_ONE):
        found[row[0]] = MessageRow(*(*row[:12], bool(row[12])))
    return found


async def _rows_of(
    db: Reader, account: AccountId, messages: Sequence[MessageId], many: str, one: str
) -> list[Row]:
    if len(messages) == 1:
        return await db.rows(one, (account, messages[0]))
    rows: list[Row] = []
    for start in range(0, len(messages), _ASKED_AT_ONCE):
        part = json.dumps(messages[start : start + _ASKED_AT_ONCE])
        rows += await db.rows(many, (account, part))
    return rows


# By their names here and, where these differ, in MessageRow.
COLUMNS = {
    "thread": "thread_id",
    "blob": "blob_id",
    **{
        name: name
        for name in (
            "thread_id", "blob_id", "size", "received_at", "sent_at", "has_attachment",
            "envelope", "body", "bodystructure", "structure", "preview", "trace",
        )
    },
}  # fmt: skip
_COLUMNS_FROM = """
    FROM message WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""


@functools.cache
def _select_columns(names: tuple[str, ...]) -> str:
    return "SELECT message_id, " + ", ".join(COLUMNS[name] for name in names) + _COLUMNS_FROM


async def columns(
    db: Reader, account: AccountId, messages: Sequence[MessageId], names: tuple[str, ...]
) -> dict[MessageId, Row]:
    """Only the columns asked for (names as in MessageRow), of those of the messages that exist."""
    many = _select_columns(names)
    one = many.replace(_LISTED, "= ?")
    return {row[0]: row[1:] for row in await _rows_of(db, account, messages, many, one)}


_SORT = """
    SELECT p.uid, m.received_at, coalesce(m.sent_at, m.received_at), p.size, m.base_subject,
        m.from_mailbox, m.to_mailbox, m.cc_mailbox, m.display_from, m.display_to
    FROM placement p JOIN message m USING (account_id, message_id)
    WHERE p.account_id = ? AND p.mailbox_id = ? AND p.uid IN (SELECT value FROM json_each(?))
"""
_THREAD = """
    SELECT p.uid, coalesce(m.sent_at, m.received_at), m.base_subject, m.is_reply, m.id_hash,
        m.reference_hashes
    FROM placement p JOIN message m USING (account_id, message_id)
    WHERE p.account_id = ? AND p.mailbox_id = ? AND p.uid IN (SELECT value FROM json_each(?))
"""
_decode_hashes = msgspec.msgpack.Decoder(tuple[int, ...]).decode


async def sort_rows(
    db: Reader, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid]
) -> list[SortRow]:
    """What SORT needs of those of the UIDs that are there, in no order."""
    rows = await db.rows(_SORT, (account, mailbox, json.dumps(uids)))
    return [SortRow(*row) for row in rows]


async def thread_rows(
    db: Reader, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid]
) -> list[ThreadRow]:
    """What THREAD needs of those of the UIDs that are there, in no order."""
    rows = await db.rows(_THREAD, (account, mailbox, json.dumps(uids)))
    return [ThreadRow(*(*row[:3], bool(row[3]), row[4], _decode_hashes(row[5]))) for row in rows]
