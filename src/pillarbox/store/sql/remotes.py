"""Remote accounts: made, steered by hand, and leased by whoever brings their mail.

Runs and folders are in `remote_runs`, what was brought is in `collected`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from pillarbox.errors import AlreadyExists, NotFound
from pillarbox.ids import AccountId, ModSeq, RemoteId
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.sql import collected

REMOTES = AccountId(2**62)  # in the feed: no account, but all remote ones; its number grows


class RemoteState(StrEnum):
    """Whether mail is brought by itself."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person
    ATTENTION = "attention"  # a person must do something first
    DONE = "done"  # it was to be brought over once, and was
    REMOVED = "removed"  # its rows are being deleted


class RemoteRow(msgspec.Struct, frozen=True):
    """A remote account as stored, without how to sign in."""

    id: RemoteId
    account: AccountId
    label: str
    settings: str  # JSON
    state: RemoteState
    trouble: str  # the last one's name; "" after success
    why: str  # its sentence
    failures: int  # in a row
    due_at: int | None  # Unix seconds; None: not by itself
    lease: str  # who has it, or had it last
    leased_until: int
    created_at: int
    succeeded_at: int | None


class NoSuchRemote(NotFound):
    """It was removed, or never was."""

    sentence = "There is no such remote account."


_COLUMNS = """remote_id, account_id, label, settings, state, trouble, why, failures, due_at, lease,
    leased_until, created_at, succeeded_at"""
_ADD = """
    INSERT INTO remote (account_id, label, host, settings, sealed, state, due_at, created_at)
    SELECT account_id, ?2, ?3, ?4, x'', ?5, ?6, ?7 FROM account WHERE account_id = ?1
    ON CONFLICT DO NOTHING RETURNING remote_id
"""
_REVISE = "UPDATE remote_revision SET last = last + 1 RETURNING last"


async def add(
    tx: Transaction,
    account: AccountId,
    label: str,
    settings: str,
    *,
    host: str,
    state: RemoteState,
    due_at: int | None,
) -> RemoteId:
    """A new remote account, which cannot sign in before `set_sealed`; raises AlreadyExists."""
    params = (account, label, host, settings, state.value, due_at, tx.now())
    rows = await tx.run(_ADD, params)
    if not rows:
        raise AlreadyExists("There is a remote account of that name already.")
    await steered(tx)
    return RemoteId(rows[0][0])


async def steered(tx: Transaction) -> None:
    """Wake those who collect: something was changed by hand."""
    rows = await tx.run(_REVISE)
    tx.changed(REMOTES, ModSeq(rows[0][0]))


# Reading

_GET = f"SELECT {_COLUMNS} FROM remote WHERE remote_id = ? AND state <> 'removed'"  # noqa: S608 - only names of columns are put in
_BY_LABEL = f"""
    SELECT {_COLUMNS} FROM remote WHERE account_id = ? AND label = ? AND state <> 'removed'
"""  # noqa: S608 - only names of columns are put in
_OF_ACCOUNT = f"""
    SELECT {_COLUMNS} FROM remote WHERE account_id = ? AND state <> 'removed' ORDER BY remote_id
"""  # noqa: S608 - only names of columns are put in
_ALL = f"SELECT {_COLUMNS} FROM remote WHERE state <> 'removed' ORDER BY remote_id"  # noqa: S608 - only names of columns are put in


async def get(db: Reader, remote: RemoteId) -> RemoteRow:
    """Raises NoSuchRemote."""
    row = await db.row(_GET, (remote,))
    if row is None:
        raise NoSuchRemote
    return _remote(row)


async def find_label(db: Reader, account: AccountId, label: str) -> RemoteRow | None:
    """An account's remote account of that name."""
    row = await db.row(_BY_LABEL, (account, label))
    return _remote(row) if row is not None else None


async def list_remotes(db: Reader, account: AccountId | None = None) -> list[RemoteRow]:
    """All, or an account's, in the order of their making."""
    rows = await db.rows(_ALL) if account is None else await db.rows(_OF_ACCOUNT, (account,))
    return [_remote(row) for row in rows]


def _remote(row: Row) -> RemoteRow:
    return RemoteRow(*(*row[:4], RemoteState(row[4]), *row[5:]))


_COUNTS = "SELECT state, count(*) FROM remote GROUP BY state"


async def counts(db: Reader) -> dict[RemoteState, int]:
    """How many there are in each state."""
    found = {RemoteState(state): count for state, count in await db.rows(_COUNTS)}
    return {state: found.get(state, 0) for state in RemoteState}


# How to sign in

_SEALED = "SELECT account_id, sealed FROM remote WHERE remote_id = ? AND state <> 'removed'"
_SET_SEALED = "UPDATE remote SET sealed = ? WHERE remote_id = ? AND state <> 'removed' RETURNING 1"
_ALL_SEALED = """
    SELECT remote_id, account_id, sealed FROM remote
    WHERE state <> 'removed' AND length(sealed) > 0 AND remote_id > ? ORDER BY remote_id LIMIT ?
"""


async def sealed(db: Reader, remote: RemoteId) -> tuple[AccountId, bytes]:
    """Whose it is, and its sealed sign-in, b"" where it has none. Raises NoSuchRemote."""
    row = await db.row(_SEALED, (remote,))
    if row is None:
        raise NoSuchRemote
    return AccountId(row[0]), bytes(row[1])


async def set_sealed(tx: Transaction, remote: RemoteId, octets: bytes) -> None:
    """Raises NoSuchRemote."""
    if not await tx.run(_SET_SEALED, (octets, remote)):
        raise NoSuchRemote


async def all_sealed(
    db: Reader, after: RemoteId, limit: int
) -> list[tuple[RemoteId, AccountId, bytes]]:
    """Sealed sign-ins, by remote account."""
    return [
        (RemoteId(a), AccountId(b), bytes(c))
        for a, b, c in await db.rows(_ALL_SEALED, (after, limit))
    ]


# Steering by hand

_SET_SETTINGS = """
    UPDATE remote SET label = ?, host = ?, settings = ? WHERE remote_id = ?
"""
_STEER = """
    UPDATE remote SET state = ?2, due_at = ?3, failures = 0
    WHERE remote_id = ?1 AND state <> 'removed' RETURNING 1
"""
_REMOVE = """
    UPDATE remote SET state = 'removed', due_at = NULL, sealed = x'', settings = '{}', why = ''
    WHERE remote_id = ? AND state <> 'removed' RETURNING 1
"""
_SEND_NO_MORE = "DELETE FROM send_as WHERE remote_id = ?"
_END_RUNS = """
    UPDATE remote_run SET ended_at = ?2, outcome = 'stopped' WHERE remote_id = ?1
        AND ended_at IS NULL
"""


async def set_settings(
    tx: Transaction, remote: RemoteId, label: str, settings: str, *, host: str
) -> None:
    """Raises NoSuchRemote, AlreadyExists."""
    row = await get(tx, remote)
    other = await find_label(tx, row.account, label)
    if other is not None and other.id != remote:
        raise AlreadyExists("There is a remote account of that name already.")
    await tx.run(_SET_SETTINGS, (label, host, settings, remote))
    await steered(tx)


async def steer(tx: Transaction, remote: RemoteId, state: RemoteState, due_at: int | None) -> None:
    """Pause it, or let it go on from an instant. Raises NoSuchRemote."""
    if not await tx.run(_STEER, (remote, state.value, due_at)):
        raise NoSuchRemote
    await steered(tx)


async def remove(tx: Transaction, remote: RemoteId) -> None:
    """It is gone at once, its run can write nothing more; `sweep` deletes the rest."""
    if not await tx.run(_REMOVE, (remote,)):
        raise NoSuchRemote
    await tx.run(_END_RUNS, (remote, tx.now()))
    await tx.run(_SEND_NO_MORE, (remote,))
    await steered(tx)


_SWEPT = "SELECT remote_id FROM remote WHERE state = 'removed' LIMIT 1"
_LAST = (
    "DELETE FROM remote_run WHERE remote_id = ?",
    "DELETE FROM remote_folder WHERE remote_id = ?",
    "DELETE FROM remote WHERE remote_id = ?",
)


async def sweep(tx: Transaction, at_most: int) -> bool:
    """Delete so many rows of a remote account that was removed; False: there are none any more."""
    row = await tx.row(_SWEPT)
    if row is None:
        return False
    remote = RemoteId(row[0])
    if await collected.forget_some(tx, remote, at_most) < at_most:
        for statement in _LAST:
            await tx.run(statement, (remote,))
    return True
