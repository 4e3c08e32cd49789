"""The schema's history, its dump, and what a wrong version is told."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from pillarbox.errors import ConfigurationError
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.engine.sqlite.migrate import (
    Migration,
    applied,
    dump,
    migrate,
    migrations,
)
from support.store_box import Box

DUMP = Path(__file__).parent / "schema.sql"
ONE = Migration(1, "one", "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);")
TWO = Migration(2, "two", "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;")
BROKEN = Migration(3, "broken", "CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


def test_the_schema_is_what_was_reviewed(path: Path) -> None:
    """After a new migration write the dump anew (delete the file, run this) and read the diff."""
    connection = apsw.Connection(str(path))
    migrate(connection, path, 0, RealDisk())
    made = dump(connection)
    if not DUMP.exists():
        DUMP.write_text(made)
    assert DUMP.read_text() == made


def test_numbers_have_no_gap() -> None:
    assert [one.number for one in migrations()] == list(range(1, len(migrations()) + 1))


def test_each_step_is_applied_once_with_a_copy_before(path: Path) -> None:
    connection = apsw.Connection(str(path))
    migrate(connection, path, 5, RealDisk(), [ONE])
    migrate(connection, path, 5, RealDisk(), [ONE])
    assert list(path.parent.glob("*.before-*")) == []
    migrate(connection, path, 6, RealDisk(), [ONE, TWO])
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    assert connection.execute("SELECT * FROM schema_migration").fetchall() == [
        (1, "one", 5),
        (2, "two", 6),
    ]
    copy = apsw.Connection(str(path.with_name("test.db.before-0002")))
    assert copy.execute("SELECT * FROM a").fetchall() == [(1,)]
    assert applied(copy) == 1


def test_a_step_that_fails_leaves_the_old_state(path: Path) -> None:
    connection = apsw.Connection(str(path))
    migrate(connection, path, 5, RealDisk(), [ONE, TWO])
    with pytest.raises(apsw.SQLError):
        migrate(connection, path, 6, RealDisk(), [ONE, TWO, BROKEN])
    assert applied(connection) == 2
    assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'b'").fetchall() == []


async def test_a_newer_schema_is_refused(box: Box) -> None:
    await box.store.write(
        lambda tx: tx.run("INSERT INTO schema_migration VALUES (99, 'future', 0)")
    )
    await box.store.close()
    with pytest.raises(ConfigurationError, match="schema 99"):
        await box.open()
    connection = apsw.Connection(str(box.folder / "data" / "pillarbox.db"))
    connection.execute("DELETE FROM schema_migration WHERE number = 99")
    connection.close()
    await box.open()
