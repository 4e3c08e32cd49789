"""What was brought from a remote account: each of its messages once, by its key and its content.

A row is written in the transaction of the message itself, and only while its run is still the
remote account's running one: a process that was believed dead and comes back can add nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import msgspec

from pillarbox.errors import AlreadyExists, NotAllowed
from pillarbox.ids import MailboxId, MessageId, RemoteId, RunId, Uid
from pillarbox.store.database import Reader, Row, Transaction


class SeenKey(msgspec.Struct, frozen=True):
    """A message of the source that was dealt with."""

    key: str
    digest: bytes  # SHA-256 of the octets, as a BlobId; b"": not known
    message: MessageId | None  # None: nothing was brought for it
    mailbox: MailboxId
    uid: Uid
    flags: int  # on both sides when they were last alike
    keywords: str
    settled: bool = False  # at the source is done what was asked for
    brought_at: int = 0  # Unix seconds; 0 for `note`: now
    listed: int = 0  # octets as the source listed it; 0: it did not say


class SeenFlags(msgspec.Struct, frozen=True):
    """Flags on which both sides agree now."""

    key: str
    flags: int
    keywords: str


class Brought(msgspec.Struct, frozen=True):
    """A message that a run brought, with its key at the source."""

    folder_key: str
    validity: str
    key: str
    message: MessageId
    mailbox: MailboxId
    uid: Uid
    digest: bytes
    run: RunId


_COLUMNS = """key, digest, message_id, mailbox_id, uid, flags, keywords, settled, brought_at,
    listed"""
_FOLDER = "SELECT folder FROM remote_folder WHERE remote_id = ? AND key = ?"
_SEEN = f"""
    SELECT {_COLUMNS} FROM collected WHERE remote_id = ? AND folder = ? AND validity = ?
"""  # noqa: S608 - only _COLUMNS is put in


async def seen(db: Reader, remote: RemoteId, folder_key: str, validity: str) -> dict[str, SeenKey]:
    """All keys of a folder that were dealt with; read it by `Store.scan`."""
    folder = await _find_folder(db, remote, folder_key)
    if folder is None:
        return {}
    rows = await db.rows(_SEEN, (remote, folder, validity))
    return {row[0]: _seen(row) for row in rows}


_SEEN_BEFORE = f"""
    SELECT validity, {_COLUMNS} FROM collected WHERE remote_id = ? AND folder = ? AND validity <> ?
"""  # noqa: S608 - only _COLUMNS is put in


async def seen_before(
    db: Reader, remote: RemoteId, folder_key: str, validity: str
) -> list[tuple[str, SeenKey]]:
    """Rows of a folder under all other validities, with them; read it by `Store.scan`."""
    folder = await _find_folder(db, remote, folder_key)
    rows = await db.rows(_SEEN_BEFORE, (remote, folder, validity))
    return [(row[0], _seen(row[1:])) for row in rows]


async def _find_folder(db: Reader, remote: RemoteId, folder_key: str) -> int | None:
    row = await db.row(_FOLDER, (remote, folder_key))
    return int(row[0]) if row is not None else None


def _seen(row: Row) -> SeenKey:
    return SeenKey(*(*row[:7], bool(row[7]), row[8], row[9]))


_ADD_FOLDER = """
    INSERT INTO remote_folder (remote_id, folder, key)
    SELECT ?1, coalesce(max(folder), 0) + 1, ?2 FROM remote_folder WHERE remote_id = ?1
    RETURNING folder
"""
_IS_RUNNING = "SELECT 1 FROM remote_run WHERE run_id = ? AND remote_id = ? AND ended_at IS NULL"
_THERE = """
    SELECT 1 FROM collected WHERE remote_id = ? AND folder = ? AND validity = ?
        AND key IN (SELECT value FROM json_each(?)) AND message_id IS NOT NULL LIMIT 1
"""
_NOTE = """
    INSERT INTO collected (remote_id, folder, validity, key, run_id, digest, message_id,
        mailbox_id, uid, flags, keywords, settled, brought_at, listed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (remote_id, folder, validity, key) DO UPDATE SET
        run_id = excluded.run_id, digest = excluded.digest, message_id = excluded.message_id,
        mailbox_id = excluded.mailbox_id, uid = excluded.uid, flags = excluded.flags,
        keywords = excluded.keywords, settled = excluded.settled, brought_at = excluded.brought_at,
        listed = excluded.listed
"""


async def note(
    tx: Transaction,
    remote: RemoteId,
    run: RunId,
    folder_key: str,
    validity: str,
    rows: Sequence[SeenKey],
) -> None:
    """Say what was brought, in the transaction that brings it.

    Raises NotAllowed when the run was ended by somebody else, and AlreadyExists when one of the
    keys was brought before: then nothing of the transaction happens.
    """
    if await tx.row(_IS_RUNNING, (run, remote)) is None:
        raise NotAllowed("This run was ended, or another process has taken it over.")
    folder = await get_folder(tx, remote, folder_key)
    keys = json.dumps([row.key for row in rows])
    if await tx.row(_THERE, (remote, folder, validity, keys)) is not None:
        raise AlreadyExists("A message of this folder was brought already.")
    now = tx.now()
    await tx.run_many(
        _NOTE,
        [
            (
                remote,
                folder,
                validity,
                row.key,
                run,
                row.digest,
                row.message,
                row.mailbox,
                row.uid,
                row.flags,
                row.keywords,
                int(row.settled),
                row.brought_at or now,
                row.listed,
            )
            for row in rows
        ],
    )


async def get_folder(tx: Transaction, remote: RemoteId, folder_key: str) -> int:
    """The number of a folder of the source, which it gets at its first use."""
    folder = await _find_folder(tx, remote, folder_key)
    if folder is None:
        rows = await tx.run(_ADD_FOLDER, (remote, folder_key))
        folder = int(rows[0][0])
    return folder


_BY_DIGEST = f"""
    SELECT {_COLUMNS} FROM collected
    WHERE remote_id = ? AND digest = ? AND message_id IS NOT NULL LIMIT 1
"""  # noqa: S608 - only _COLUMNS is put in


async def by_digest(db: Reader, remote: RemoteId, digests: Iterable[bytes]) -> dict[bytes, SeenKey]:
    """Messages of these contents that this remote account brought before, one for each."""
    found: dict[bytes, SeenKey] = {}
    for digest in digests:
        row = await db.row(_BY_DIGEST, (remote, digest)) if digest else None
        if row is not None:
            found[digest] = _seen(row)
    return found


_REKEY = """
    UPDATE collected SET validity = ?, key = ?
    WHERE remote_id = ? AND folder = ? AND validity = ? AND key = ?
"""


async def rekey(
    tx: Transaction,
    remote: RemoteId,
    folder_key: str,
    old_validity: str,
    new_validity: str,
    pairs: Iterable[tuple[str, str]],
) -> None:
    """The same messages under new keys: (old key, new key), after UIDVALIDITY has changed.

    Keys without a pair stay under the old validity: their contents are still known.
    """
    folder = await _find_folder(tx, remote, folder_key)
    await tx.run_many(
        _REKEY,
        [(new_validity, new, remote, folder, old_validity, old) for old, new in pairs],
    )


_SETTLED = """
    UPDATE collected SET settled = 1
    WHERE remote_id = ? AND folder = ? AND validity = ?
        AND key IN (SELECT value FROM json_each(?))
"""
_SET_FLAGS = """
    UPDATE collected SET flags = ?, keywords = ?
    WHERE remote_id = ? AND folder = ? AND validity = ? AND key = ?
"""


async def set_settled(
    tx: Transaction, remote: RemoteId, folder_key: str, validity: str, keys: Iterable[str]
) -> None:
    """At the source is done what was asked for."""
    folder = await _find_folder(tx, remote, folder_key)
    await tx.run(_SETTLED, (remote, folder, validity, json.dumps(list(keys))))


async def set_flags(
    tx: Transaction, remote: RemoteId, folder_key: str, validity: str, rows: Iterable[SeenFlags]
) -> None:
    """Both sides have these flags now."""
    folder = await _find_folder(tx, remote, folder_key)
    await tx.run_many(
        _SET_FLAGS,
        [(row.flags, row.keywords, remote, folder, validity, row.key) for row in rows],
    )


_BROUGHT = """
    SELECT f.key, c.validity, c.key, c.message_id, c.mailbox_id, c.uid, c.digest, c.run_id
    FROM collected c JOIN remote_folder f ON f.remote_id = c.remote_id AND f.folder = c.folder
    WHERE c.remote_id = ?1 AND c.message_id IS NOT NULL AND (?2 IS NULL OR c.run_id = ?2)
    ORDER BY c.folder, c.validity, c.uid
"""


async def brought_by(db: Reader, remote: RemoteId, run: RunId | None = None) -> list[Brought]:
    """What a run brought, or all runs of the remote account; read it by `Store.scan`."""
    return [Brought(*row) for row in await db.rows(_BROUGHT, (remote, run))]


_COUNT = "SELECT count(*) FROM collected WHERE remote_id = ? AND message_id IS NOT NULL"


async def count_brought(db: Reader, remote: RemoteId) -> int:
    """How many messages all runs brought; read it by `Store.scan`."""
    row = await db.row(_COUNT, (remote,))
    return int(row[0]) if row is not None else 0


_FORGET = """
    DELETE FROM collected WHERE remote_id = ? AND folder = ? AND validity = ? AND key = ?
"""


async def forget(
    tx: Transaction, remote: RemoteId, folder_key: str, validity: str, keys: Iterable[str]
) -> None:
    """As if they had never been brought: the next run brings them again."""
    folder = await _find_folder(tx, remote, folder_key)
    await tx.run_many(_FORGET, [(remote, folder, validity, key) for key in keys])


_FORGET_SOME = """
    DELETE FROM collected WHERE (remote_id, folder, validity, key) IN (
        SELECT remote_id, folder, validity, key FROM collected WHERE remote_id = ? LIMIT ?)
    RETURNING 1
"""


async def forget_some(tx: Transaction, remote: RemoteId, at_most: int) -> int:
    """Forget so many of a remote account that is no more; how many they were."""
    return len(await tx.run(_FORGET_SOME, (remote, at_most)))
