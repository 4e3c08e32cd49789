"""Notes of journeys on SQLite: appended by a thread some times a second, scanned when asked.

No index but the row number: a note must cost a delivery next to nothing, and a scan of a million
takes about a second, which a person who asks can wait.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from pathlib import Path

import apsw
import msgspec

from pillarbox.clock import Clock
from pillarbox.config.store import StoreSettings
from pillarbox.store.database import Row
from pillarbox.store.engine.sqlite.connection import PASSING, connect, fetch
from pillarbox.store.journeys import Note, Step
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import NOTES_DROPPED

log = get_logger("store")

FLUSH_SECONDS = 0.3  # a person asks later than that
RETRY_SECONDS = 5.0  # after a failure: a full disk stays full for a while
_CACHE = 256 * 1024
_DAY = 86_400.0
_MAX_RECIPIENTS = 1000  # in one note; no message may have more by default
_CREATE = """
    CREATE TABLE IF NOT EXISTS note (
        note_id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        step TEXT NOT NULL,
        journey TEXT NOT NULL,
        session TEXT NOT NULL,
        peer TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipients TEXT NOT NULL, -- a line each, and a line end before the first
        message_id TEXT NOT NULL,
        queue_id INTEGER NOT NULL,
        facts BLOB NOT NULL -- JSON object of texts
    )
"""
_ADD = """
    INSERT INTO note (at, step, journey, session, peer, sender, recipients, message_id, queue_id,
        facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND = """
    SELECT journey, max(note_id) AS last FROM note
    WHERE at >= :since AND (journey = :key OR message_id = :key OR lower(sender) = :folded
        OR instr(lower(recipients), :line) OR (queue_id = :queue AND queue_id > 0))
    GROUP BY journey ORDER BY last DESC LIMIT :limit
"""
_READ = """
    SELECT at, step, journey, session, peer, sender, recipients, message_id, queue_id, facts
    FROM note WHERE at >= ? AND journey IN (SELECT value FROM json_each(?)) ORDER BY at, note_id
"""
_PRUNE = """
    DELETE FROM note WHERE note_id IN (
        SELECT note_id FROM note
        WHERE at < ? OR note_id <= (SELECT max(note_id) FROM note) - ? LIMIT 10000)
"""
_DAMAGED = (apsw.CorruptError, apsw.NotADBError)

_encode = msgspec.json.Encoder().encode
_decode_facts = msgspec.json.Decoder(dict[str, str]).decode


class SqliteJourneys:
    """One process's way to the file of notes."""

    def __init__(self, path: Path, settings: StoreSettings, clock: Clock) -> None:
        self._path = path
        self._settings = settings
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Note] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Future[None] | None = None
        self._connection: apsw.Connection | None = None

    def note(self, note: Note) -> None:
        if len(self._waiting) >= self._settings.journey_notes_waiting:
            NOTES_DROPPED.inc()
            return
        if not note.at:
            note = msgspec.structs.replace(note, at=self._clock.now().timestamp())
        self._waiting.append(note)
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_SECONDS, self._start_flush)

    async def find(self, key: str, *, since: float, limit: int) -> list[list[Note]]:
        await self.flush()
        return await asyncio.to_thread(self._find, key, since, limit)

    async def prune(self) -> None:
        """Forget what is older, or more, than the settings say."""
        before = self._clock.now().timestamp() - self._settings.journey_days * _DAY
        await asyncio.to_thread(self._prune, before)

    async def flush(self) -> None:
        """Write what waits; after a failure it stays for the next time."""
        if self._flushing is not None:
            await asyncio.shield(self._flushing)
        if self._waiting:
            self._start_flush()
        if self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def close(self) -> None:
        """Write what waits and let the file go."""
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
        if self._connection is not None:
            self._connection.close()

    def _start_flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flushing is None and self._waiting:
            self._flushing = asyncio.ensure_future(self._flush())

    async def _flush(self) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        pause = FLUSH_SECONDS
        try:
            await asyncio.to_thread(self._write, batch)
        except (apsw.Error, OSError):
            pause = RETRY_SECONDS
            log.error_event("store.notes_not_written", exc=True, notes=len(batch))
            room = self._settings.journey_notes_waiting - len(self._waiting)
            kept = batch[-room:] if room > 0 else []
            self._waiting.extendleft(reversed(kept))
            NOTES_DROPPED.inc(len(batch) - len(kept))
        finally:
            self._flushing = None
            if self._waiting and self._timer is None:
                self._timer = self._loop.call_later(pause, self._start_flush)

    # In a thread, one at a time

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            try:
                self._connection = _open(self._path)
            except _DAMAGED:
                self._connection = self._begin_anew()
        return self._connection

    def _begin_anew(self) -> apsw.Connection:
        """Without the notes that a damaged file had."""
        log.error_event("store.notes_damaged", exc=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for name in (self._path.name, f"{self._path.name}-wal", f"{self._path.name}-shm"):
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(name).unlink()
        return _open(self._path)

    def _write(self, batch: list[Note]) -> None:
        rows = [_row(note) for note in batch]
        try:
            connection = self._open()
            with connection:
                connection.executemany(_ADD, rows)
        except _DAMAGED:
            self._connection = connection = self._begin_anew()
            with connection:
                connection.executemany(_ADD, rows)

    def _prune(self, before: float) -> None:
        with contextlib.suppress(*PASSING, *_DAMAGED):  # the next write sees to damage
            connection = self._open()
            while True:
                connection.execute(_PRUNE, (before, self._settings.journey_max_notes))
                if not connection.changes():
                    return

    def _find(self, key: str, since: float, limit: int) -> list[list[Note]]:
        key = key.strip().removeprefix("<").removesuffix(">")
        if not key:
            return []
        try:
            return self._read(key, since, limit)
        except _DAMAGED:
            log.error_event("store.notes_damaged", exc=True)
            return []

    def _read(self, key: str, since: float, limit: int) -> list[list[Note]]:
        # As SQLite's lower() does it: ASCII only.
        folded = key.encode("utf-8", "replace").lower().decode()
        connection = _open(self._path)
        try:
            params = {
                "key": key,
                "folded": folded,
                "line": f"\n{folded}\n",
                "queue": int(key) if key.isascii() and key.isdigit() and len(key) < 18 else 0,
                "since": since,
                "limit": limit,
            }
            found: list[Row] = connection.execute(_FIND, params).fetchall()
            if not found:
                return []
            journeys: dict[str, list[Note]] = {str(journey): [] for journey, _ in found}
            wanted = _encode(list(journeys)).decode()
            # A step before the first that names the key may belong to it: mail for an alias.
            for row in fetch(connection, _READ, (since, wanted)):
                note = _note(row)
                journeys[note.journey].append(note)
            return list(journeys.values())
        finally:
            connection.close()


def _open(path: Path) -> apsw.Connection:
    connection = connect(path, cache_octets=_CACHE)
    connection.execute("PRAGMA synchronous = NORMAL")  # a sync a checkpoint, not one a write
    connection.execute(_CREATE)
    return connection


def _row(note: Note) -> tuple[apsw.SQLiteValue, ...]:
    recipients = "\n".join(note.recipients[:_MAX_RECIPIENTS])
    return (
        note.at,
        note.step.value,
        note.journey,
        note.session,
        note.peer,
        note.sender,
        f"\n{recipients}\n" if recipients else "",
        note.message_id,
        note.queue_id,
        _encode(dict(note.facts)),
    )


def _note(row: tuple[apsw.SQLiteValue, ...]) -> Note:
    at, step, journey, session, peer, sender, recipients, message_id, queue_id, facts = row
    return msgspec.convert(
        {
            "at": at,
            "step": Step(str(step)),
            "journey": journey,
            "session": session,
            "peer": peer,
            "sender": sender,
            "recipients": str(recipients).split("\n")[1:-1],
            "message_id": message_id,
            "queue_id": queue_id,
            "facts": _decode_facts(facts if isinstance(facts, bytes) else b"{}"),
        },
        Note,
    )
