"""Of all processes one at a time works at a remote account: it has the lease, and renews it.

A lease whose holder died ends by itself. What a holder may write after its lease was taken by
another is bounded by its run, which the other ends (`remote_runs.begin_run`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec

from pillarbox.ids import RemoteId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql.remotes import RemoteRow, RemoteState, get, steered

_DUE = """
    SELECT remote_id, host FROM remote
    WHERE due_at <= ?1 AND due_at IS NOT NULL AND state = 'active' AND leased_until <= ?1
        AND host NOT IN (SELECT value FROM json_each(?2))
    ORDER BY due_at LIMIT ?3
"""
_TAKE = """
    UPDATE remote SET lease = ?, leased_until = ? WHERE remote_id = ? AND leased_until <= ?
        AND state <> 'removed'
    RETURNING 1
"""
_RENEW = """
    UPDATE remote SET leased_until = ?3
    WHERE remote_id = ?1 AND lease = ?2 AND leased_until > ?4 AND state <> 'removed' RETURNING 1
"""
_GIVE_BACK = """
    UPDATE remote SET leased_until = 0 WHERE remote_id = ? AND lease = ? RETURNING 1
"""


async def due(
    db: Reader, now: int, *, but_at: Iterable[str], limit: int
) -> list[tuple[RemoteId, str]]:
    """Remote accounts that are due and nobody has, with their hosts; the oldest first."""
    return [
        (RemoteId(number), host)
        for number, host in await db.rows(_DUE, (now, json.dumps(list(but_at)), limit))
    ]


async def lease_one(
    tx: Transaction, remote: RemoteId, owner: str, seconds: int
) -> RemoteRow | None:
    """Take this one, due or not; None: somebody else has it. Raises NoSuchRemote."""
    now = tx.now()
    await get(tx, remote)
    if not await tx.run(_TAKE, (owner, now + seconds, remote, now)):
        return None
    return await get(tx, remote)


async def renew(tx: Transaction, remote: RemoteId, owner: str, seconds: int) -> bool:
    """Keep a lease for so long from now on; False: it is lost, or the remote account is."""
    now = tx.now()
    return bool(await tx.run(_RENEW, (remote, owner, now + seconds, now)))


async def give_back(tx: Transaction, remote: RemoteId, owner: str) -> None:
    """Let others have it at once."""
    if await tx.run(_GIVE_BACK, (remote, owner)):
        await steered(tx)


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How work at a remote account ended, and what comes next."""

    state: RemoteState = RemoteState.ACTIVE  # but what a person paused meanwhile stays so
    due_at: int | None  # of an active one
    trouble: str = ""  # "": it went well
    why: str = ""
    failures: int = 0  # in a row


_STATE = "SELECT state FROM remote WHERE remote_id = ? AND lease = ? AND state <> 'removed'"
_ENDED = """
    UPDATE remote SET leased_until = 0, state = ?2, due_at = ?3, trouble = ?4, why = ?5,
        failures = ?6, succeeded_at = CASE WHEN ?4 = '' THEN ?7 ELSE succeeded_at END
    WHERE remote_id = ?1
"""


async def end(tx: Transaction, remote: RemoteId, owner: str, ended: Ended) -> bool:
    """Give the lease back with what came of it; False: somebody else has it, or it is gone."""
    row = await tx.row(_STATE, (remote, owner))
    if row is None:
        return False
    state = ended.state
    if RemoteState(row[0]) is RemoteState.PAUSED and state is not RemoteState.DONE:
        state = RemoteState.PAUSED
    due_at = ended.due_at if state is RemoteState.ACTIVE else None
    params = (remote, state.value, due_at, ended.trouble, ended.why, ended.failures, tx.now())
    await tx.run(_ENDED, params)
    return True
