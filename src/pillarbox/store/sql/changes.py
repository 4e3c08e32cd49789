"""What changed since a modseq: an index range, no log."""

from __future__ import annotations

from pillarbox.errors import CannotCalculateChanges, NoSuchAccount
from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.database import Reader
from pillarbox.store.model import Expunged, MailboxChanges, Placed

_PLACED = """
    SELECT uid, message_id, flags, keywords, modseq, size, saved_at FROM placement
    WHERE account_id = ? AND mailbox_id = ? ORDER BY uid
"""


async def placed(db: Reader, account: AccountId, mailbox: MailboxId) -> list[Placed]:
    """Every place in a mailbox, ascending UIDs."""
    return [Placed(*row) for row in await db.rows(_PLACED, (account, mailbox))]


_MAILBOX = """
    SELECT modseq, pruned_modseq FROM mailbox
    WHERE account_id = ? AND mailbox_id = ? AND selectable = 1
"""
_CHANGED = """
    SELECT uid, message_id, flags, keywords, modseq, size, saved_at FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND modseq > ?
"""
_EXPUNGED = """
    SELECT uid, message_id, modseq FROM expunged
    WHERE account_id = ? AND mailbox_id = ? AND modseq > ?
"""


async def since(
    db: Reader, account: AccountId, mailbox: MailboxId, modseq: ModSeq
) -> MailboxChanges:
    """What happened in a mailbox after `modseq` (RFC 7162 §3.2).

    Raises CannotCalculateChanges when tombstones that are needed have been pruned.
    """
    row = await db.row(_MAILBOX, (account, mailbox))
    if row is None:
        return MailboxChanges(ModSeq(0), [], [], exists=False)
    upto, pruned = row
    if modseq < pruned:
        raise CannotCalculateChanges
    if modseq >= upto:
        return MailboxChanges(ModSeq(upto), [], [], exists=True)
    changed = await db.rows(_CHANGED, (account, mailbox, modseq))
    gone = await db.rows(_EXPUNGED, (account, mailbox, modseq))
    return MailboxChanges(
        ModSeq(upto),
        [Placed(*found) for found in sorted(changed)],
        [Expunged(*found) for found in sorted(gone)],
        exists=True,
    )


_ACCOUNT_MODSEQ = "SELECT modseq FROM account WHERE account_id = ?"


async def account_modseq(db: Reader, account: AccountId) -> ModSeq:
    """The last number that the account gave out; raises NoSuchAccount."""
    row = await db.row(_ACCOUNT_MODSEQ, (account,))
    if row is None:
        raise NoSuchAccount
    return ModSeq(row[0])
