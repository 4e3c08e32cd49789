"""Who waits for a word of another browser that is signed in, to choose a new password."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql import sign_ins
from pillarbox.store.sql.sign_ins import SignInRow


class NewAsk(msgspec.Struct, frozen=True):
    """What a stranger asks for, whoever they are."""

    digest: bytes
    text: str
    number: int
    offered: tuple[int, ...]
    peer: str
    agent: str


class Ask(msgspec.Struct, frozen=True):
    """One that somebody who is signed in may answer; instants are Unix seconds."""

    id: int
    number: int
    offered: tuple[int, ...]
    peer: str
    agent: str
    asked_at: int
    ends_at: int


_ADD = """
    INSERT INTO approval (digest, text, number, offered, peer, agent, asked_at, ends_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_NEXT = """
    SELECT approval_id, text, peer FROM approval WHERE is_looked_up = 0 AND ends_at > ?
    ORDER BY approval_id LIMIT 1
"""
_LOOKED_UP = """
    UPDATE approval SET is_looked_up = 1, account_id = ?, is_quiet = ?
    WHERE approval_id = ? AND is_looked_up = 0 RETURNING 1
"""
_OPEN = """
    SELECT approval_id, number, offered, peer, agent, asked_at, ends_at FROM approval
    WHERE account_id = ? AND approved_by IS NULL AND ends_at > ? AND is_quiet <= ?
    ORDER BY approval_id
"""
_SHOW = """
    UPDATE approval SET is_quiet = 0
    WHERE account_id = ? AND approved_by IS NULL AND ends_at > ? AND is_quiet = 1
    RETURNING approval_id
"""
_SUPERSEDE = "UPDATE approval SET ends_at = ? WHERE approval_id = ?"
_APPROVE = "UPDATE approval SET approved_by = ? WHERE approval_id = ?"
_END = "UPDATE approval SET account_id = NULL, approved_by = NULL WHERE approval_id = ?"
_END_ALL = "UPDATE approval SET account_id = NULL, approved_by = NULL WHERE account_id = ?"
# Whoever approved it must be signed in still: a stolen session that was ended opens nothing.
_APPROVED = """
    SELECT p.approval_id, p.account_id FROM approval p
    JOIN browser_session s ON s.session_id = p.approved_by AND s.account_id = p.account_id
    JOIN account a ON a.account_id = p.account_id AND a.enabled = 1
    WHERE p.digest = ? AND p.ends_at > ?
"""
_IGNORED = """
    SELECT account_id, peer, agent, asked_at FROM approval
    WHERE approved_by IS NULL AND account_id IS NOT NULL AND is_quiet = 0
"""
_IGNORED_OVER = f"{_IGNORED} AND ends_at < ?"
_IGNORED_OF = f"{_IGNORED} AND account_id = ?"
_FORGET = "DELETE FROM approval WHERE ends_at < ?"


async def add(tx: Transaction, ask: NewAsk, seconds: int) -> None:
    """The same for everybody."""
    offered = " ".join(map(str, ask.offered))
    given = (ask.digest, ask.text, ask.number, offered, ask.peer, ask.agent)
    await tx.run(_ADD, (*given, tx.now(), tx.now() + seconds))


async def next_to_look_up(db: Reader, now: int) -> tuple[int, str, str] | None:
    """The oldest that nobody has looked at: its number, what was typed, and from where."""
    row = await db.row(_NEXT, (now,))
    return (int(row[0]), str(row[1]), str(row[2])) if row else None


async def looked_up(
    tx: Transaction, number: int, account: AccountId | None, *, quiet: bool = False
) -> bool:
    """Whom to ask; None: nobody. False: another process was faster."""
    return bool(await tx.run(_LOOKED_UP, (account, int(quiet), number)))


async def open_asks(db: Reader, account: AccountId, now: int, *, quiet: bool = False) -> list[Ask]:
    """Those that the account's browsers may answer, the oldest first; `quiet`: and those that
    wait until somebody looks for them."""
    return [
        Ask(row[0], row[1], tuple(map(int, row[2].split())), *row[3:])
        for row in await db.rows(_OPEN, (account, now, int(quiet)))
    ]


async def show_quiet(tx: Transaction, account: AccountId) -> int:
    """Somebody looks: those that waited quietly may be answered now. How many they were."""
    return len(await tx.run(_SHOW, (account, tx.now())))


async def supersede(tx: Transaction, number: int) -> None:
    """Its time is over before its time: another one waits in its place."""
    await tx.run(_SUPERSEDE, (tx.now(), number))


async def approve(tx: Transaction, number: int, session: int) -> None:
    """The browser that waits may go on."""
    await tx.run(_APPROVE, (session, number))


async def end(tx: Transaction, number: int) -> None:
    """Refused or used; who waits is not told."""
    await tx.run(_END, (number,))


async def end_all(tx: Transaction, account: AccountId) -> None:
    """Of an account that has a new password, or whose browsers were signed out."""
    await _note_ignored(tx, _IGNORED_OF, account)
    await tx.run(_END_ALL, (account,))


async def find_approved(db: Reader, digest: bytes, now: int) -> tuple[int, AccountId] | None:
    """What a cookie may go on with; None for every other one."""
    row = await db.row(_APPROVED, (digest, now))
    return (int(row[0]), AccountId(row[1])) if row else None


async def forget(tx: Transaction, now: int) -> None:
    """Those whose time is over; what nobody answered is found in the history."""
    await _note_ignored(tx, _IGNORED_OVER, now)
    await tx.run(_FORGET, (now,))


async def _note_ignored(tx: Transaction, which: str, given: int) -> None:
    rows = [
        SignInRow(AccountId(account), "web", peer, agent, "ignored", "device", at, at, 1)
        for account, peer, agent, at in await tx.rows(which, (given,))
    ]
    await sign_ins.note(tx, rows)
