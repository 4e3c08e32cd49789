"""The change counter of an account: each write takes the next number and stamps its rows."""

from __future__ import annotations

from pillarbox.errors import NoSuchAccount
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.database import Transaction

_NEXT = "UPDATE account SET modseq = modseq + 1 WHERE account_id = ? RETURNING modseq"


async def next_modseq(tx: Transaction, account: AccountId) -> ModSeq:
    """The number of this write; those who watch the account are woken after the commit."""
    rows = await tx.run(_NEXT, (account,))
    if not rows:
        raise NoSuchAccount
    modseq = ModSeq(rows[0][0])
    tx.changed(account, modseq)
    return modseq
