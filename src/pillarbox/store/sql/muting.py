"""Conversations that somebody muted: answers in them are archived, and do not come to the inbox."""

from __future__ import annotations

from pillarbox.ids import AccountId, ThreadId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import FlagChange, Role
from pillarbox.store.sql import mailboxes, messages
from pillarbox.store.sql.messages import Appended

MUTED = "$muted"
_IS_MUTED = f"""
    SELECT 1 FROM placement INDEXED BY placement_thread
    WHERE account_id = ? AND thread_id = ? AND keywords <> ''
        AND instr(' ' || lower(keywords) || ' ', ' {MUTED} ') > 0
    LIMIT 1
"""  # noqa: S608 - only the word is put in


async def is_muted(db: Reader, account: AccountId, thread: ThreadId) -> bool:
    """Whether any message of the conversation has the keyword."""
    return await db.row(_IS_MUTED, (account, thread)) is not None


async def put_aside(tx: Transaction, account: AccountId, new: Appended) -> bool:
    """A message that has just come to the inbox; it stays unread, and is muted like the others.

    False: it stays there, since nobody muted its conversation.
    """
    if not await is_muted(tx, account, new.thread):
        return False
    archive = await mailboxes.by_role(tx, account, Role.ARCHIVE)
    if archive is None:
        return False
    add = FlagChange.ADD
    await messages.store_flags(tx, account, new.mailbox, [new.uid], add, 0, MUTED)
    await messages.move(tx, account, new.mailbox, [new.uid], archive.id)
    return True
