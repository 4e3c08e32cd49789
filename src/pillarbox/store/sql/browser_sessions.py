"""Sessions of browsers. Tokens come and go as digests; `accounts.browser_sessions` makes them."""

from __future__ import annotations

import msgspec

from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Row, Transaction


class SessionRow(msgspec.Struct, frozen=True):
    """One session, as stored; instants are Unix seconds."""

    id: int
    account: AccountId
    login: str
    csrf: str
    stays: bool
    peer: str
    agent: str
    created_at: int
    last_seen_at: int
    confirmed_at: int
    token_at: int
    is_old_token: bool  # it was found by the token before
    old_until: int | None  # 0 where there is no token before; None: the new one was not seen


_COLUMNS = """
    session_id, browser_session.account_id, login, csrf, stays, peer, agent,
    browser_session.created_at, last_seen_at, confirmed_at, token_at
"""
_UNTIL = "CASE WHEN old_token IS NULL THEN 0 ELSE old_until END"
_OPEN = "FROM browser_session JOIN account USING (account_id) WHERE enabled"
_FIND = f"SELECT {_COLUMNS}, 0, {_UNTIL} {_OPEN} AND token = ?"
_FIND_OLD = f"SELECT {_COLUMNS}, 1, old_until {_OPEN} AND old_token = ?"
_ALL = f"""
    SELECT {_COLUMNS}, 0, {_UNTIL} {_OPEN} AND account_id = ?
    ORDER BY last_seen_at DESC, session_id DESC
"""


def _row(row: Row) -> SessionRow:
    fields = list(row)
    fields[4], fields[11] = bool(row[4]), bool(row[11])
    return SessionRow(*fields)


async def find(db: Reader, digest: bytes) -> SessionRow | None:
    """By the digest of its token or of the one before, whatever its age; enabled accounts only."""
    row = await db.row(_FIND, (digest,)) or await db.row(_FIND_OLD, (digest,))
    return _row(row) if row is not None else None


async def all_sessions(db: Reader, account: AccountId) -> list[SessionRow]:
    """Of an account, those used last first."""
    return [_row(row) for row in await db.rows(_ALL, (account,))]


_ADD = """
    INSERT INTO browser_session (account_id, token, token_at, csrf, stays, peer, agent,
        created_at, last_seen_at, confirmed_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING session_id
"""
_OVER = """
    SELECT session_id FROM browser_session WHERE account_id = ?
    ORDER BY last_seen_at DESC, session_id DESC LIMIT -1 OFFSET ?
"""


async def add(
    tx: Transaction,
    account: AccountId,
    *,
    digest: bytes,
    csrf: str,
    stays: bool,
    peer: str,
    agent: str,
) -> int:
    """A new one; its number."""
    now = tx.now()
    made = await tx.run(_ADD, (account, digest, now, csrf, int(stays), peer, agent, now, now, now))
    return int(made[0][0])


async def over_limit(db: Reader, account: AccountId, most: int) -> list[int]:
    """Those beyond the newest `most`."""
    return [number for (number,) in await db.rows(_OVER, (account, most))]


_SEEN = """
    UPDATE browser_session SET last_seen_at = max(last_seen_at, ?) WHERE session_id = ?
"""
_OLD_ENDS = """
    UPDATE browser_session SET old_until = ?
    WHERE session_id = ? AND old_token IS NOT NULL AND old_until IS NULL
"""
_ROTATE = """
    UPDATE browser_session SET old_token = CASE WHEN ? THEN token ELSE old_token END,
        old_until = NULL, token = ?, token_at = ?
    WHERE session_id = ? AND token_at = ? RETURNING session_id
"""
_CONFIRM = "UPDATE browser_session SET confirmed_at = ? WHERE session_id = ? RETURNING session_id"


async def seen(tx: Transaction, session: int, at: int) -> None:
    """Note when it was last seen."""
    await tx.run(_SEEN, (at, session))


async def end_old_token(tx: Transaction, session: int, until: int) -> None:
    """The browser has the new token: the old one is good so long, and no longer."""
    await tx.run(_OLD_ENDS, (until, session))


async def rotate(tx: Transaction, row: SessionRow, digest: bytes) -> bool:
    """Another token. False: another request was faster, or the session is gone.

    A browser that never got the last token keeps the one that it has as the old one.
    """
    done = await tx.run(
        _ROTATE, (int(not row.is_old_token), digest, tx.now(), row.id, row.token_at)
    )
    return bool(done)


async def confirm(tx: Transaction, session: int) -> None:
    """The password or a code was given just now. Raises NotFound."""
    if not await tx.run(_CONFIRM, (tx.now(), session)):
        raise NotFound("That session has ended.")


_END = """
    DELETE FROM browser_session WHERE account_id = ? AND session_id = ? RETURNING session_id
"""
_END_ALL = """
    DELETE FROM browser_session WHERE account_id = ? AND session_id <> ? RETURNING session_id
"""
_FORGET = """
    DELETE FROM browser_session
    WHERE last_seen_at <= CASE WHEN stays THEN ? ELSE ? END
        OR created_at <= CASE WHEN stays THEN ? ELSE ? END
"""


async def end(tx: Transaction, account: AccountId, session: int) -> bool:
    """False where there is none."""
    return bool(await tx.run(_END, (account, session)))


async def end_others(tx: Transaction, account: AccountId, but: int) -> list[int]:
    """End all but one (0: all); their numbers."""
    return [number for (number,) in await tx.run(_END_ALL, (account, but))]


async def forget(
    tx: Transaction, seen_before: tuple[int, int], made_before: tuple[int, int]
) -> None:
    """Those that have ended by their age; each pair: of sessions that stay, and of others."""
    await tx.run(_FORGET, (*seen_before, *made_before))
