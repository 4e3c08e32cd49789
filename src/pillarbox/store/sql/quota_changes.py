"""How much of its limits an account uses, and whether that changed (RFC 9425)."""

from __future__ import annotations

import msgspec

from pillarbox.errors import CannotCalculateChanges, NoSuchAccount
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.modseq import next_modseq


class Usage(msgspec.Struct, frozen=True):
    """Limits of 0 are none."""

    modseq: ModSeq
    limits_modseq: ModSeq  # of the last change of a limit
    quota_octets: int
    used_octets: int
    quota_messages: int
    used_messages: int


_USAGE = """
    SELECT modseq, max(quota_modseq, pruned_modseq), quota_octets, used_octets, quota_messages,
        used_messages
    FROM account WHERE account_id = ?
"""


async def usage(db: Reader, account: AccountId) -> Usage:
    """Raises NoSuchAccount."""
    row = await db.row(_USAGE, (account,))
    if row is None:
        raise NoSuchAccount
    return Usage(*row)


async def used_since(db: Reader, account: AccountId, since: int) -> tuple[Usage, bool]:
    """The usage, and whether it may have changed since a modseq.

    Raises CannotCalculateChanges where a limit may have: then it may be a new one, or gone.
    """
    now = await usage(db, account)
    if not now.limits_modseq <= since <= now.modseq:
        raise CannotCalculateChanges
    return now, since < now.modseq


_STAMP = "UPDATE account SET quota_modseq = ? WHERE account_id = ?"


async def limits_changed(tx: Transaction, account: AccountId) -> None:
    """To be said in the transaction that changes a limit."""
    await tx.run(_STAMP, (await next_modseq(tx, account), account))
