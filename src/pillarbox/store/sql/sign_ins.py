"""The history of sign-ins: who tried to get in where; equal attempts of an hour are one row."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction


class SignInRow(msgspec.Struct, frozen=True):
    """Attempts that are alike; instants are Unix seconds."""

    account: AccountId
    door: str
    peer: str
    agent: str
    # "ok", "failed"; "second": the password was right, the second step is to come. Of a new
    # password: "approved", "used": the page for it was opened; "ignored": nobody answered
    outcome: str
    credential: str  # "" for failures; "device": a new password was to be approved
    first_at: int
    last_at: int
    times: int


_HOUR = 3600
_NOTE = """
    INSERT INTO sign_in (account_id, hour, door, peer, agent, outcome, credential,
        first_at, last_at, times)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM account WHERE account_id = ?)
    ON CONFLICT (account_id, hour, door, peer, agent, outcome, credential) DO UPDATE SET
        first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),
        times = times + excluded.times
"""
_RECENT = """
    SELECT account_id, door, peer, agent, outcome, credential, first_at, last_at, times
    FROM sign_in WHERE account_id = ? ORDER BY last_at DESC LIMIT ?
"""


async def note(tx: Transaction, attempts: Sequence[SignInRow]) -> None:
    """Add to the history; those of accounts that are gone are dropped."""
    await tx.run_many(
        _NOTE,
        [
            (
                *(one.account, one.first_at // _HOUR, one.door, one.peer, one.agent, one.outcome),
                *(one.credential, one.first_at, one.last_at, one.times, one.account),
            )
            for one in attempts
        ],
    )


async def recent(db: Reader, account: AccountId, limit: int) -> list[SignInRow]:
    """The newest first."""
    return [SignInRow(*row) for row in await db.rows(_RECENT, (account, limit))]


_FULL = """
    SELECT account_id, outcome = 'failed' FROM sign_in
    GROUP BY 1, 2 HAVING count(*) > ?
"""
_TRIM = """
    DELETE FROM sign_in
    WHERE account_id = ? AND (hour, door, peer, agent, outcome, credential) IN (
        SELECT hour, door, peer, agent, outcome, credential FROM sign_in
        WHERE account_id = ? AND (outcome = 'failed') = ?
        ORDER BY last_at DESC LIMIT -1 OFFSET ?)
"""
_FORGET = "DELETE FROM sign_in WHERE hour < ?"


async def forget(tx: Transaction, before: int) -> None:
    """Those from before an instant."""
    await tx.run(_FORGET, (before // _HOUR,))


async def full(db: Reader, most: int) -> list[tuple[AccountId, bool]]:
    """Accounts with more than so many rows, of failures (True) or of the others."""
    return [(AccountId(account), bool(of)) for account, of in await db.rows(_FULL, (most,))]


async def trim(tx: Transaction, account: AccountId, failures: bool, most: int) -> None:
    """Keep the newest."""
    await tx.run(_TRIM, (account, account, int(failures), most))
