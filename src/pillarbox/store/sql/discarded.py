"""What has lain in the trash or among the junk for too long."""

from __future__ import annotations

from itertools import takewhile

import msgspec

from pillarbox.ids import AccountId, MailboxId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import Role
from pillarbox.store.sql.expunging import expunge

_MAILBOXES = """
    SELECT account_id, mailbox_id FROM mailbox
    WHERE role = ? AND messages > 0 AND account_id > ? ORDER BY account_id LIMIT ?
"""
# UIDs are given out in the order in which messages come to a mailbox, so the first are the oldest.
_FIRST = """
    SELECT uid, saved_at FROM placement WHERE account_id = ? AND mailbox_id = ?
    ORDER BY uid LIMIT ?
"""


class Discarded(msgspec.Struct, frozen=True, array_like=True):
    """A mailbox of that use that holds something."""

    account: AccountId
    mailbox: MailboxId


async def mailboxes_of(db: Reader, role: Role, after: AccountId, limit: int) -> list[Discarded]:
    """The next of them, by account."""
    rows = await db.rows(_MAILBOXES, (role.value, after, limit))
    return [Discarded(*row) for row in rows]


async def has_old(db: Reader, one: Discarded, before: int) -> bool:
    """Whether something came there before an instant."""
    row = await db.row(_FIRST, (one.account, one.mailbox, 1))
    return row is not None and row[1] < before


async def discard(tx: Transaction, one: Discarded, before: int, at_most: int) -> bool:
    """Destroy the first of what came before an instant; whether there may be more.

    Raises NoSuchMailbox.
    """
    rows = await tx.rows(_FIRST, (one.account, one.mailbox, at_most))
    old = [row[0] for row in takewhile(lambda row: row[1] < before, rows)]
    if old:
        await expunge(tx, one.account, one.mailbox, old, force=True)
    return len(old) == at_most
