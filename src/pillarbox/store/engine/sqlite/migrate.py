"""The schema's history: `sql/schema/NNNN_what.sql`, applied in order, each once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import apsw

from pillarbox.errors import ConfigurationError
from pillarbox.store.blobs.disk import Disk
from pillarbox.store.engine.sqlite.connection import make_private

_CREATE = """
    CREATE TABLE IF NOT EXISTS schema_migration (
        number INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        applied_at INTEGER NOT NULL
    ) WITHOUT ROWID
"""
_APPLIED = "SELECT coalesce(max(number), 0) FROM schema_migration"
_RECORD = "INSERT INTO schema_migration (number, name, applied_at) VALUES (?, ?, ?)"
_SCHEMA = """
    SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
    ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Those that this version of the code knows."""
    found = []
    for file in resources.files("pillarbox.store.sql").joinpath("schema").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)(\.sqlite)?\.sql", file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def applied(connection: apsw.Connection) -> int:
    """The number of the newest step in this database; 0 for a new one."""
    exists = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'"
    ).fetchone()
    if not exists:
        return 0
    return int(connection.execute(_APPLIED).get)


def migrate(
    connection: apsw.Connection,
    path: Path,
    now: int,
    disk: Disk,
    known: list[Migration] | None = None,
) -> None:
    """Bring the database to this version's schema; the caller holds the write lock.

    A copy is made before; all steps and their records are one transaction. Raises
    ConfigurationError for a database that a newer version wrote.
    """
    known = migrations() if known is None else known
    version = applied(connection)
    newest = known[-1].number
    if version > newest:
        raise ConfigurationError(
            f"The database has schema {version}, this version knows schemas up to {newest}. "
            "Start the version that was here before, or a newer one."
        )
    if version == newest:
        return
    if version:
        _copy(connection, path.with_name(f"{path.name}.before-{newest:04d}"), disk)
    with connection:
        connection.execute(_CREATE)
        for migration in known[version:]:
            connection.execute(migration.sql)
            connection.execute(_RECORD, (migration.number, migration.name, now))


def _copy(connection: apsw.Connection, target: Path, disk: Disk) -> None:
    """A whole copy beside the database, complete before it gets its name."""
    unfinished = target.with_name(target.name + ".part")
    for name in (unfinished.name + "-journal", unfinished.name + "-wal", unfinished.name):
        disk.unlink(unfinished.with_name(name))
    make_private(unfinished)
    copy = apsw.Connection(str(unfinished), vfs=connection.open_vfs)
    try:
        with copy.backup("main", connection, "main") as backup:
            backup.step()
    finally:
        copy.close()
    disk.rename(unfinished, target)
    disk.sync_folder(target.parent)


def dump(connection: apsw.Connection) -> str:
    """The schema as text, for review."""
    return "".join(f"{sql};\n\n" for (sql,) in connection.execute(_SCHEMA))
