"""What changed since a modseq: an index range, no log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from pillarbox.errors import CannotCalculateChanges, NoSuchAccount
from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.database import Reader, Row
from pillarbox.store.model import Expunged, MailboxChanges, Placed

_numbers = msgspec.json.Decoder(list[int]).decode
_ROWS_AT_ONCE = 5_000  # of a large mailbox; a row takes 400 octets until it is packed

_PLACED = """
    SELECT uid, message_id, flags, keywords, modseq, size, saved_at FROM placement
    WHERE account_id = ? AND mailbox_id = ? ORDER BY uid
"""


async def placed(db: Reader, account: AccountId, mailbox: MailboxId) -> list[Placed]:
    """Every place in a mailbox, ascending UIDs."""
    return [Placed(*row) for row in await db.rows(_PLACED, (account, mailbox))]


_OLDER = """
    SELECT uid, message_id, flags, keywords, min(modseq, ?), size, saved_at FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid >= ? AND uid < ? ORDER BY uid LIMIT ?
"""
_GONE_OLDER = """
    SELECT e.uid, e.message_id, 8, '', ?, coalesce(m.size, 0), coalesce(m.received_at, 0)
    FROM expunged e LEFT JOIN message m USING (account_id, message_id)
    WHERE e.account_id = ? AND e.mailbox_id = ? AND e.modseq > ? AND e.uid >= ? AND e.uid < ?
    ORDER BY e.uid
"""


async def gone_as_of(
    db: Reader, account: AccountId, mailbox: MailboxId, modseq: ModSeq, *, low: int, high: int
) -> list[Row]:
    """Those that were there at `modseq` and went since, flagged deleted; the fields of Placed."""
    return await db.rows(_GONE_OLDER, (modseq, account, mailbox, modseq, low, high))


async def placed_as_of(
    db: Reader, account: AccountId, mailbox: MailboxId, modseq: ModSeq, *, low: int, high: int
) -> AsyncIterator[list[Row]]:
    """The places with UIDs in [low, high) that there were at `modseq`, in the fields of Placed,
    ascending and some thousands at a time.

    What changed since has its present flags and `modseq`; what went since is flagged deleted.
    """
    gone = await gone_as_of(db, account, mailbox, modseq, low=low, high=high)
    while True:
        rows = await db.rows(_OLDER, (modseq, account, mailbox, low, high, _ROWS_AT_ONCE))
        last = len(rows) < _ROWS_AT_ONCE
        low = high if last else rows[-1][0] + 1
        if gone:
            rows = sorted([*rows, *(row for row in gone if row[0] < low)])
            gone = [row for row in gone if row[0] >= low]
        yield rows
        if last:
            return


_UID_BELOW = """
    SELECT uid FROM placement WHERE account_id = ? AND mailbox_id = ? AND uid < ?
    ORDER BY uid DESC LIMIT 1 OFFSET ?
"""


async def uid_below(
    db: Reader, account: AccountId, mailbox: MailboxId, uid: int, count: int
) -> int | None:
    """The UID so many messages below a UID; None where there are fewer. Its cost is the count."""
    row = await db.row(_UID_BELOW, (account, mailbox, uid, count - 1))
    return None if row is None else row[0]


_UIDS_UNDER = """
    SELECT json_group_array(uid) FROM (
        SELECT uid FROM placement WHERE account_id = ?1 AND mailbox_id = ?2 AND uid < ?3
            AND EXISTS (SELECT 1 FROM mailbox
                WHERE account_id = ?1 AND mailbox_id = ?2 AND modseq <= ?4)
        ORDER BY uid)
"""


async def uids_under(
    db: Reader, account: AccountId, mailbox: MailboxId, high: int, modseq: ModSeq
) -> list[int]:
    """The UIDs below `high`, ascending; none where the mailbox changed after `modseq`."""
    row = await db.row(_UIDS_UNDER, (account, mailbox, high, modseq))
    return _numbers(row[0]) if row is not None else []


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


_HEADS = "SELECT modseq, last_message, enabled FROM account WHERE account_id = ?"


async def heads(db: Reader, account: AccountId) -> tuple[ModSeq, int]:
    """The last modseq, and the number of the last message that the account got.

    Raises NoSuchAccount, for a disabled one, too.
    """
    row = await db.row(_HEADS, (account,))
    if row is None or not row[2]:
        raise NoSuchAccount
    return ModSeq(row[0]), int(row[1])
