"""SQLite connections: how they are opened and what their failures mean."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from pillarbox.errors import ConfigurationError, DiskFull, Unavailable
from pillarbox.store.blobs.disk import refusal
from pillarbox.store.database import Row, Value

T = TypeVar("T")

# 3.51.3 and its back-ports mend a race that could corrupt a database when the WAL is reset.
_OLDEST_SQLITE = 3_051_003

# What passes when there is room again, the lock is free or the disk is writable.
PASSING = (
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.ConnectionClosedError,
)


def failure(error: BaseException) -> Unavailable | None:
    """What a caller is told of a failure that passes; None when it is of another kind."""
    if isinstance(error, OSError):
        return refusal(error)
    if isinstance(error, apsw.FullError):
        return DiskFull()
    return Unavailable() if isinstance(error, PASSING) else None


_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
)


def check_library() -> None:
    """Refuse a SQLite that can damage the database; raises ConfigurationError."""
    if apsw.SQLITE_VERSION_NUMBER < _OLDEST_SQLITE:
        raise ConfigurationError(
            f"SQLite {apsw.sqlite_lib_version()} can damage a database; "
            "install the pinned version of apsw, which brings its own."
        )


def make_private(path: Path) -> None:
    """Let the file begin as one that only its owner reads, whatever folder and umask say.

    SQLite gives its other files the mode of this one. One that is there is left alone: to close a
    descriptor of it would end this process's locks on it.
    """
    with contextlib.suppress(OSError):  # SQLite says what is wrong when it opens it
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def connect(path: Path, *, cache_octets: int, vfs: str | None = None) -> apsw.Connection:
    """Open the database in the mode that the store's promises rest on; raises Unavailable."""
    if vfs is None:
        make_private(path)
    try:
        connection = apsw.Connection(str(path), vfs=vfs, statementcachesize=256)
        connection.set_busy_timeout(10_000)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.pragma("cache_size", -(cache_octets // 1024))
    except PASSING as error:
        raise failure(error) or error from error
    return connection


def drive(awaitable: Awaitable[T]) -> T:
    """Run to the end a coroutine that awaits nothing but the engine, which answers at once."""
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration as done:
        value: T = done.value
        return value
    closing = getattr(awaitable, "close", None)
    if closing is not None:
        closing()
    raise RuntimeError("a store function may await nothing but its reader or transaction")


class SqliteReader:
    """A reader over one connection; the caller holds the snapshot open."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute

    async def rows(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return self._execute(sql, params).fetchall()

    async def row(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        cursor = self._execute(sql, params)
        found: Any = cursor.fetchone()
        cursor.close()
        return found  # type: ignore[no-any-return]  # as SQL says

    async def run(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return self._execute(sql, params).fetchall()


class OneStatement:
    """A reader for a single statement: SQLite's own snapshot of it is enough."""

    __slots__ = ("_reader",)

    def __init__(self, reader: SqliteReader) -> None:
        self._reader: SqliteReader | None = reader

    async def rows(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        return await self._take().rows(sql, params)

    async def row(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        return await self._take().row(sql, params)

    def _take(self) -> SqliteReader:
        reader, self._reader = self._reader, None
        if reader is None:
            raise RuntimeError("a second statement needs `read`, for a snapshot of both")
        return reader


def fetch(connection: apsw.Connection, sql: str, params: Sequence[Value] = ()) -> list[Row]:
    """All rows of a statement."""
    return connection.execute(sql, params).fetchall()
