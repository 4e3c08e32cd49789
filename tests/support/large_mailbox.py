"""Mailboxes of any size in seconds: one real message, and rows like its own by few statements.

What comes out is as if so many messages with the same octets had been delivered one by one;
`verify` finds nothing wrong with it.
"""

from __future__ import annotations

import asyncio
from functools import partial

from pillarbox.ids import AccountId, MailboxId, Uid
from pillarbox.message.digest import digest
from pillarbox.store import Store, Transaction
from pillarbox.store.model import Flag
from pillarbox.store.sql import messages

LETTER = b"Subject: one of many\r\n\r\nOne of many.\r\n"
AT_ONCE = 20_000  # messages in one transaction: others get their turn between two

_SERIES = """
    WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ?)
"""
_PLACES = (
    _SERIES
    + """
    INSERT INTO placement (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, size,
        saved_at, received_at, placed_modseq, thread_id)
    SELECT account_id, mailbox_id, uid + n, message_id + n, flags, keywords, modseq + n, size,
        saved_at, received_at, placed_modseq + n, thread_id + n * ?
    FROM placement, series WHERE account_id = ? AND mailbox_id = ? AND uid = ?
    """
)
_COUNT_IN_ACCOUNT = """
    UPDATE account SET modseq = modseq + ?1, last_message = last_message + ?1,
        used_messages = used_messages + ?1, used_octets = used_octets + ?1 * ?2
    WHERE account_id = ?3
"""
_COUNT_IN_MAILBOX = """
    UPDATE mailbox SET modseq = modseq + ?1, uid_next = uid_next + ?1, messages = messages + ?1,
        octets = octets + ?1 * ?2
    WHERE account_id = ?3 AND mailbox_id = ?4
"""
_COUNT_OCTETS = """
    UPDATE blob SET refs = refs + ? WHERE blob_id =
        (SELECT blob_id FROM message WHERE account_id = ? AND message_id = ?)
"""


async def grow(
    store: Store,
    account: AccountId,
    mailbox: MailboxId,
    count: int,
    letter: bytes = LETTER,
    *,
    is_talk: bool = True,
) -> None:
    """Put `count` messages, all seen, into a mailbox; of one conversation, or each its own."""
    while count > 0:
        part = min(count, AT_ONCE)
        with store.spool() as spool:
            spool.write(letter)
            new = messages.NewMessage(
                account=account,
                mailbox=mailbox,
                digest=digest(spool.octets()),
                blob=await spool.seal(),
                flags=int(Flag.SEEN),
                check_quota=False,
            )
        await store.write(partial(_append, new=new, more=part - 1, is_talk=is_talk))
        count -= part
        await asyncio.sleep(0)


async def _append(tx: Transaction, new: messages.NewMessage, more: int, *, is_talk: bool) -> None:
    first = await messages.append(tx, new)
    account, mailbox, size = new.account, first.mailbox, new.blob.size
    if not more:
        return
    step = int(not is_talk)  # between the numbers of conversations
    await tx.run(await _copy_messages(tx), (more, step, account, first.message))
    await tx.run(_PLACES, (more, step, account, mailbox, first.uid))
    await tx.run(_COUNT_IN_ACCOUNT, (more, size, account))
    await tx.run(_COUNT_IN_MAILBOX, (more, size, account, mailbox))
    await tx.run(_COUNT_OCTETS, (more, account, first.message))


async def _copy_messages(tx: Transaction) -> str:
    """The statement that repeats a message's row under the next numbers."""
    columns = [row[1] for row in await tx.rows("PRAGMA table_info(message)")]
    columns.remove("seq")
    counted = {"message_id": "message_id + n", "thread_id": "thread_id + n * ?"}
    values = [counted.get(name, name) for name in columns]
    return (
        f"{_SERIES} INSERT INTO message ({', '.join(columns)}) SELECT {', '.join(values)}"
        " FROM message, series WHERE account_id = ? AND message_id = ?"
    )


async def remove_every(
    store: Store, account: AccountId, mailbox: MailboxId, step: int, last: int
) -> None:
    """Expunge UIDs `step`, 2 × `step` … up to `last`, so that numbers and UIDs differ."""
    uids = [Uid(uid) for uid in range(step, last + 1, step)]
    await store.write(lambda tx: messages.expunge(tx, account, mailbox, uids, force=True))
