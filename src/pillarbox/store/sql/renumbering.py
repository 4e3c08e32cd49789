"""When a mailbox's UIDs run out: a new UIDVALIDITY, and UIDs from 1 on (RFC 9051 §2.3.1.1).

The mailbox gets a new id, too, as if it had been made anew with the same messages in it: whoever
has the old one open (a view, a maildrop) finds it gone, and cannot take a new UID for an old one.
Tombstones stay with the old id, so what was expunged can still be restored.
"""

from __future__ import annotations

from pillarbox.ids import MAX_UID, AccountId, MailboxId, ModSeq, Uid
from pillarbox.store.database import Transaction
from pillarbox.store.sql import mailboxes

_PLACE_AGAIN = """
    INSERT INTO placement
        (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, size, saved_at,
        received_at, placed_modseq, thread_id, shown_modseq)
    SELECT account_id, ?, row_number() OVER (ORDER BY uid), message_id, flags, keywords, ?, size,
        saved_at, received_at, placed_modseq, thread_id, shown_modseq
    FROM placement WHERE account_id = ? AND mailbox_id = ? ORDER BY uid
"""
_EMPTY = "DELETE FROM placement WHERE account_id = ? AND mailbox_id = ?"
_COUNT = "SELECT count(*) FROM placement WHERE account_id = ? AND mailbox_id = ?"
_BECOME = """
    UPDATE mailbox SET mailbox_id = ?1, uid_validity = ?2, uid_next = ?3, modseq = ?4,
        pruned_modseq = 0, created_modseq = ?4
    WHERE account_id = ?5 AND mailbox_id = ?6
"""


def is_full(uid_next: int, more: int = 1) -> bool:
    """Whether `more` messages would need a UID that no client can read."""
    return uid_next + more > MAX_UID


async def renumber(
    tx: Transaction, account: AccountId, old: MailboxId, modseq: ModSeq, reserve: int = 0
) -> tuple[MailboxId, Uid, int]:
    """The mailbox's new id, its first free UID and its UIDVALIDITY.

    `reserve` UIDs are taken already, for what the caller places next.
    """
    counted = await tx.row(_COUNT, (account, old))
    free = (counted[0] if counted else 0) + 1
    new, uid_validity = await mailboxes.new_numbers(tx, account)
    await tx.run(_PLACE_AGAIN, (new, modseq, account, old))
    await tx.run(_EMPTY, (account, old))
    await mailboxes.succeed(tx, account, old, new, modseq)
    await tx.run(_BECOME, (new, uid_validity, free + reserve, modseq, account, old))
    return new, Uid(free), uid_validity
