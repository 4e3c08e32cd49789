"""How much each account has sent today, and to whom it has ever written."""

from __future__ import annotations

import json
from collections.abc import Collection

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction

_DAY = 86_400


class Sent(msgspec.Struct, frozen=True):
    """One account's day (UTC)."""

    messages: int
    new_recipients: int  # addresses that it had never written to before


_MEET = """
    INSERT INTO correspondent (account_id, address, first_at)
    SELECT ?, value, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING RETURNING 1
"""
_COUNT = """
    INSERT INTO sending_day (account_id, day, messages, new_recipients) VALUES (?, ?, 1, ?)
    ON CONFLICT (account_id, day) DO UPDATE SET
        messages = messages + 1, new_recipients = new_recipients + excluded.new_recipients
    RETURNING messages, new_recipients
"""
_TODAY = "SELECT messages, new_recipients FROM sending_day WHERE account_id = ? AND day = ?"
_FORGET_DAYS = "DELETE FROM sending_day WHERE day < ?"
_FORGET_OTHERS = """
    DELETE FROM correspondent WHERE account_id NOT IN (SELECT account_id FROM account)
"""


async def count(tx: Transaction, account: AccountId, recipients: Collection[str]) -> Sent:
    """Count one message to these folded addresses; the day so far with it."""
    now = tx.now()
    met = await tx.run(_MEET, (account, now, json.dumps(sorted(recipients))))
    rows = await tx.run(_COUNT, (account, now // _DAY, len(met)))
    return Sent(*rows[0])


async def today(db: Reader, account: AccountId, now: int) -> Sent:
    """What the account has sent since midnight UTC."""
    row = await db.row(_TODAY, (account, now // _DAY))
    return Sent(*row) if row else Sent(0, 0)


async def forget(tx: Transaction, keep_days: int) -> None:
    """Drop the counts of days long past, and what removed accounts left."""
    await tx.run(_FORGET_DAYS, (tx.now() // _DAY - keep_days,))
    await tx.run(_FORGET_OTHERS)
