"""Keywords that have no bit: a short sorted text in each placement, spellings in a table."""

from __future__ import annotations

import json

from pillarbox.errors import LimitReached
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction

_ALL = "SELECT name FROM keyword WHERE account_id = ? ORDER BY folded"
_KNOWN = """
    SELECT folded, name FROM keyword
    WHERE account_id = ? AND folded IN (SELECT value FROM json_each(?))
"""
_COUNT = "SELECT count(*) FROM keyword WHERE account_id = ?"
_INSERT = "INSERT INTO keyword (account_id, folded, name) VALUES (?, ?, ?)"


async def all_keywords(db: Reader, account: AccountId) -> list[str]:
    """Every keyword that the account has ever used, as it was first spelled."""
    return [name for (name,) in await db.rows(_ALL, (account,))]


async def canonical(tx: Transaction, account: AccountId, keywords: str) -> str:
    """The keywords as stored: known spelling, sorted, once each; raises LimitReached."""
    if not keywords:
        return ""
    wanted = {name.lower(): name for name in keywords.split(" ") if name}
    if len(wanted) > tx.settings.max_keywords_of_message:
        raise LimitReached(
            f"A message has {tx.settings.max_keywords_of_message} keywords at most; "
            "take others off it first."
        )
    known: dict[str, str] = dict(await tx.rows(_KNOWN, (account, json.dumps(list(wanted)))))
    new = {folded: name for folded, name in wanted.items() if folded not in known}
    if new:
        await _add(tx, account, new)
    return " ".join(sorted(known.get(folded, name) for folded, name in wanted.items()))


async def _add(tx: Transaction, account: AccountId, new: dict[str, str]) -> None:
    counted = await tx.row(_COUNT, (account,))
    if (counted[0] if counted else 0) + len(new) > tx.settings.max_keywords:
        raise LimitReached(
            f"An account has {tx.settings.max_keywords} different keywords at most; use one of "
            "those that are there."
        )
    if any(len(name.encode()) > tx.settings.max_keyword_octets for name in new.values()):
        raise LimitReached(
            f"A keyword has {tx.settings.max_keyword_octets} octets at most; take a shorter one."
        )
    await tx.run_many(_INSERT, [(account, folded, name) for folded, name in new.items()])
