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
    UPDATE remote SET leased_until = ? WHERE remote_id = ? AND lease = ?
    RETURNING state, settings, due_at
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


class Renewed(msgspec.Struct, frozen=True):
    """What a person may have changed meanwhile."""

    state: RemoteState
    settings: str
    due_at: int | None


async def renew(tx: Transaction, remote: RemoteId, owner: str, seconds: int) -> Renewed | None:
    """Keep a lease for so long from now on; None: it is lost."""
    rows = await tx.run(_RENEW, (tx.now() + seconds, remote, owner))
    return Renewed(RemoteState(rows[0][0]), *rows[0][1:]) if rows else None


async def give_back(tx: Transaction, remote: RemoteId, owner: str) -> None:
    """Let others have it at once."""
    if await tx.run(_GIVE_BACK, (remote, owner)):
        await steered(tx)


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How work at a remote account ended, and what comes next."""

    state: RemoteState = RemoteState.ACTIVE  # but what a person paused stays so
    due_at: int | None  # of an active one
    trouble: str = ""  # "": it went well
    why: str = ""
    failures: int = 0  # in a row


_KEPT = (RemoteState.PAUSED, RemoteState.DONE)  # a run by hand does not change them
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
    if row[0] in _KEPT and state is not RemoteState.DONE:
        state = RemoteState(row[0])
    due_at = ended.due_at if state is RemoteState.ACTIVE else None
    params = (remote, state.value, due_at, ended.trouble, ended.why, ended.failures, tx.now())
    await tx.run(_ENDED, params)
    return True


_WELL = """
    UPDATE remote SET trouble = '', why = '', failures = 0, succeeded_at = ?
    WHERE remote_id = ? AND lease = ?
"""


async def went_well(tx: Transaction, remote: RemoteId, owner: str) -> None:
    """Say so and keep the lease."""
    await tx.run(_WELL, (tx.now(), remote, owner))
