"""Runs of bringing mail from a remote account, and where its folders have their places here."""

from __future__ import annotations

from typing import Literal

import msgspec

from pillarbox.ids import AccountId, MailboxId, RemoteId, RunId
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.sql.collected import get_folder
from pillarbox.store.sql.remotes import get

Outcome = Literal["running", "done", "failed", "stopped", "interrupted"]


class RunRow(msgspec.Struct, frozen=True):
    """One run."""

    id: RunId
    remote: RemoteId
    account: AccountId
    started_by: str  # "schedule", "hand" or "undo"
    started_at: int  # Unix seconds
    updated_at: int
    ended_at: int | None
    outcome: Outcome
    why: str
    eventful: bool  # something was brought or changed, or failed
    progress: str  # JSON


_COLUMNS = """run_id, remote_id, account_id, started_by, started_at, updated_at, ended_at, outcome,
    why, eventful, progress"""
_INTERRUPT = """
    UPDATE remote_run SET ended_at = updated_at, outcome = 'interrupted', eventful = 1
    WHERE remote_id = ? AND ended_at IS NULL
"""
_BEGIN = """
    INSERT INTO remote_run (remote_id, account_id, started_by, started_at, updated_at, outcome)
    VALUES (?1, ?2, ?3, ?4, ?4, 'running') RETURNING run_id
"""
_UPDATE = """
    UPDATE remote_run SET progress = ?, updated_at = ? WHERE run_id = ? AND ended_at IS NULL
    RETURNING 1
"""
_END = """
    UPDATE remote_run SET ended_at = ?2, updated_at = ?2, outcome = ?3, why = ?4, eventful = ?5,
        progress = ?6
    WHERE run_id = ?1 AND ended_at IS NULL RETURNING remote_id
"""
# Of runs in which nothing happened the newest is enough.
_PRUNE = """
    DELETE FROM remote_run WHERE remote_id = ?1 AND ended_at IS NOT NULL AND run_id <> ?2
        AND (NOT eventful OR run_id NOT IN (
            SELECT run_id FROM remote_run WHERE remote_id = ?1 AND eventful
            ORDER BY run_id DESC LIMIT ?3))
"""


async def begin_run(tx: Transaction, remote: RemoteId, started_by: str) -> RunId:
    """For the holder of the lease: a run that was not ended died, and can write nothing more.

    Raises NoSuchRemote.
    """
    row = await get(tx, remote)
    await tx.run(_INTERRUPT, (remote,))
    rows = await tx.run(_BEGIN, (remote, row.account, started_by, tx.now()))
    return RunId(rows[0][0])


async def update_run(tx: Transaction, run: RunId, progress: str) -> bool:
    """Write down how far it is; False: it was ended by somebody else."""
    return bool(await tx.run(_UPDATE, (progress, tx.now(), run)))


async def end_run(
    tx: Transaction,
    run: RunId,
    outcome: Outcome,
    *,
    why: str = "",
    eventful: bool,
    progress: str,
    keep: int,
) -> bool:
    """Write down how it ended, and forget old ones; False: it was ended by somebody else."""
    rows = await tx.run(_END, (run, tx.now(), outcome, why, int(eventful), progress))
    if rows:
        await tx.run(_PRUNE, (rows[0][0], run, keep))
    return bool(rows)


_RUNS = f"""
    SELECT {_COLUMNS} FROM remote_run WHERE remote_id = ? ORDER BY run_id DESC LIMIT ?
"""  # noqa: S608 - only names of columns are put in


async def runs(db: Reader, remote: RemoteId, limit: int) -> list[RunRow]:
    """The newest first."""
    return [_run(row) for row in await db.rows(_RUNS, (remote, limit))]


def _run(row: Row) -> RunRow:
    return RunRow(*(*row[:9], bool(row[9]), row[10]))


# Folders


class FolderState(msgspec.Struct, frozen=True):
    """A folder of the source, and its place here."""

    folder_key: str  # as the source names it
    mailbox: MailboxId | None = None  # None: none yet
    validity: str = ""
    state: str = ""  # for changes since
    made: bool = False  # the mailbox was made for it


_FOLDERS = """
    SELECT key, mailbox_id, validity, state, made FROM remote_folder WHERE remote_id = ?
    ORDER BY folder
"""
_PUT_FOLDER = """
    UPDATE remote_folder SET mailbox_id = ?, validity = ?, state = ?, made = ?
    WHERE remote_id = ? AND folder = ?
"""
_HAS_MESSAGES = """
    SELECT 1 FROM collected c JOIN remote_folder f
        ON f.remote_id = c.remote_id AND f.folder = c.folder
    WHERE f.remote_id = ? AND f.key = ? LIMIT 1
"""
_FORGET_FOLDER = "DELETE FROM remote_folder WHERE remote_id = ? AND key = ?"


async def folders(db: Reader, remote: RemoteId) -> dict[str, FolderState]:
    """All folders that were dealt with, by key, in the order of their first use."""
    rows = await db.rows(_FOLDERS, (remote,))
    return {row[0]: FolderState(*(*row[:4], bool(row[4]))) for row in rows}


async def put_folder(tx: Transaction, remote: RemoteId, folder: FolderState) -> None:
    """Remember a folder's place and state."""
    number = await get_folder(tx, remote, folder.folder_key)
    params = (folder.mailbox, folder.validity, folder.state, int(folder.made), remote, number)
    await tx.run(_PUT_FOLDER, params)


async def forget_folder(tx: Transaction, remote: RemoteId, folder_key: str) -> None:
    """As if it had never been; where messages of it are known, only its place is forgotten."""
    if await tx.row(_HAS_MESSAGES, (remote, folder_key)) is None:
        await tx.run(_FORGET_FOLDER, (remote, folder_key))
    else:
        await put_folder(tx, remote, FolderState(folder_key))
