"""The newest step of the schema itself, killed at every statement, over a database with rows."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.engine.sqlite.connection import connect
from pillarbox.store.engine.sqlite.migrate import applied, dump, migrate, migrations

pytestmark = pytest.mark.slow

CACHE = 1024 * 1024
ACCOUNTS = 30

KILLED = """
import os, signal, sys
from pathlib import Path
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.engine.sqlite.connection import connect
from pillarbox.store.engine.sqlite.migrate import migrate

path, left = Path(sys.argv[1]), int(sys.argv[2])

def one_more(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return True

connection = connect(path, cache_octets=1024 * 1024)
connection.exec_trace = one_more
migrate(connection, path, 6, RealDisk())
one_more()
"""


def fill(path: Path) -> str:
    """A database of the step before, with accounts; its dump."""
    connection = connect(path, cache_octets=CACHE)
    migrate(connection, path, 5, RealDisk(), migrations()[:-1])
    connection.executemany(
        "INSERT INTO account (login, name, created_at) VALUES (?, '', 0)",
        [(f"user{number}@example.org",) for number in range(ACCOUNTS)],
    )
    made = dump(connection)
    connection.close()
    return made


def check(path: Path, before: str, after: str) -> bool:
    """Old or new, whole; then it can be migrated. Tells whether it was new."""
    connection = connect(path, cache_octets=CACHE)
    try:
        assert connection.pragma("integrity_check") == "ok"
        is_new = applied(connection) == len(migrations())
        assert dump(connection) == (after if is_new else before)
        migrate(connection, path, 7, RealDisk())
        assert dump(connection) == after
        assert connection.execute("SELECT count(*) FROM account").get == ACCOUNTS
    finally:
        connection.close()
    return is_new


def test_killed_at_any_statement_of_the_newest_step(memory_folder: Path) -> None:
    fresh = connect(memory_folder / "fresh.db", cache_octets=CACHE)
    migrate(fresh, memory_folder / "fresh.db", 5, RealDisk())
    after = dump(fresh)
    fresh.close()
    number, found = 0, []
    while True:
        number += 1
        path = memory_folder / f"{number}.db"
        before = fill(path)
        command = [sys.executable, "-c", KILLED, str(path), str(number)]
        code = subprocess.run(command, timeout=60, check=False).returncode
        if code != -signal.SIGKILL:
            break
        found.append(check(path, before, after))
    assert code == 0
    statements = migrations()[-1].sql.count(";")
    assert len(found) >= statements > 0, "fewer points than the step has statements"
    assert 0 < sum(found) < 3, "only the very last points may find the new schema"
    assert apsw.Connection(str(path)).execute(
        "SELECT max(number) FROM schema_migration"
    ).get == len(migrations())
