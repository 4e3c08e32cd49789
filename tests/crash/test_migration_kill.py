"""A migration that is killed, or loses its power, leaves the old schema or the new one, whole.

Where it left the new one, a copy of the old database is beside it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.engine.sqlite.connection import connect
from pillarbox.store.engine.sqlite.migrate import Migration, applied, dump, migrate, migrations
from support.power_cut_check import all_cuts, choice_of_cuts, write_image
from support.power_cut_disk import CutDisk, Image
from support.power_cut_record import Recording, RecordingDisk, RecordingVfs
from support.store_box import Box

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent.parent
CACHE = 1024 * 1024
ALL = os.environ.get("PILLARBOX_POWER_CUT") == "all"
MOST = 300
ROWS = "SELECT login, name FROM account ORDER BY 1"

# What migrations do: a column, a table made anew with its rows, an index, rows rewritten.
FURTHER = [
    """
    ALTER TABLE account ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
    UPDATE account SET colour = 'blue' WHERE account_id % 2 = 0;
    CREATE TABLE colour (name TEXT NOT NULL PRIMARY KEY, accounts INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO colour SELECT colour, count(*) FROM account GROUP BY colour;
    """,
    """
    CREATE TABLE placement_new (
        account_id INTEGER NOT NULL, mailbox_id INTEGER NOT NULL, uid INTEGER NOT NULL,
        message_id INTEGER NOT NULL, PRIMARY KEY (account_id, mailbox_id, uid)
    ) WITHOUT ROWID;
    INSERT INTO placement_new SELECT account_id, mailbox_id, uid, message_id FROM placement;
    DROP TABLE placement;
    ALTER TABLE placement_new RENAME TO placement;
    CREATE INDEX placement_message ON placement (account_id, message_id);
    """,
]


def known() -> list[Migration]:
    """Those there are, and two more."""
    there = migrations()
    further = enumerate(FURTHER, len(there) + 1)
    return there + [Migration(number, f"further_{number}", sql) for number, sql in further]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with a database of the present schema, with some rows."""

    async def fill() -> None:
        async with Box(tmp_path) as box:
            for number in range(40):
                await box.new_account(f"user{number}@example.org")
            await box.fill(5)

    asyncio.run(fill())
    return tmp_path / "data"


def check(path: Path, old_dump: str) -> bool:
    """Old or new, whole; then it can be migrated. Tells whether it was new."""
    connection = connect(path, cache_octets=CACHE)
    try:
        assert connection.pragma("integrity_check") == "ok"
        rows = connection.execute(ROWS).fetchall()
        version = applied(connection)
        made = dump(connection)
        is_new = version == len(known())
        if is_new:
            _check_new(connection)
            _check_copy(path, old_dump, rows)
        else:
            assert version == len(migrations()), f"between: {version}"
            assert made == old_dump
        migrate(connection, path, 7, RealDisk(), known())
        assert connection.execute(ROWS).fetchall() == rows
        _check_new(connection)
        _check_copy(path, old_dump, rows)
    finally:
        connection.close()
    return is_new


def _check_new(connection: apsw.Connection) -> None:
    colours = connection.execute("SELECT * FROM colour ORDER BY name").fetchall()
    assert sum(count for _, count in colours) == 41
    assert connection.execute("SELECT count(*) FROM placement").get == 5


def _check_copy(path: Path, old_dump: str, rows: list[tuple[object, ...]]) -> None:
    copy = apsw.Connection(
        str(path.with_name(f"{path.name}.before-{len(known()):04d}")), apsw.SQLITE_OPEN_READWRITE
    )
    try:
        assert applied(copy) == len(migrations())
        assert dump(copy) == old_dump
        assert copy.execute(ROWS).fetchall() == rows
        assert copy.pragma("integrity_check") == "ok"
    finally:
        copy.close()


def dump_of(path: Path) -> str:
    connection = connect(path, cache_octets=CACHE)
    try:
        return dump(connection)
    finally:
        connection.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from crash import test_migration_kill as test
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

class Disk(RealDisk):
    def rename(self, path, name):
        one_more()
        super().rename(path, name)

    def sync_folder(self, path):
        one_more()
        super().sync_folder(path)

connection = connect(path, cache_octets=test.CACHE)
connection.exec_trace = one_more
migrate(connection, path, 6, Disk(), test.known())
one_more()
"""


def test_killed_at_any_statement(
    old: Path, memory_folder: Path, figures: Callable[[str], None]
) -> None:
    image = {"pillarbox.db": (old / "pillarbox.db").read_bytes()}
    old_dump = dump_of(old / "pillarbox.db")
    environment = os.environ | {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}"}
    number, new = 0, 0
    while True:
        number += 1
        folder = memory_folder / str(number)
        write_image(image, folder)
        path = folder / "pillarbox.db"
        command = [sys.executable, "-c", KILLED, str(path), str(number)]
        code = subprocess.run(command, env=environment, timeout=60, check=False).returncode
        if code != -signal.SIGKILL:
            break
        new += check(path, old_dump)
    assert code == 0
    assert number > 15, "fewer points than the migration has statements"
    assert 0 < new < 3, "only the very last points may find the new schema"
    figures(f"migration: killed at {number - 1} points")


def test_the_power_is_cut_during_a_migration(
    old: Path, memory_folder: Path, seed: int, figures: Callable[[str], None]
) -> None:
    image: Image = {"pillarbox.db": (old / "pillarbox.db").read_bytes()}
    old_dump = dump_of(old / "pillarbox.db")
    folder = memory_folder / "recorded"
    write_image(image, folder)
    recording = Recording(folder)
    recording.know(image)
    vfs = RecordingVfs(recording)
    path = folder / "pillarbox.db"
    connection = connect(path, cache_octets=CACHE, vfs=vfs.name)
    migrate(connection, path, 6, RecordingDisk(recording), known())
    connection.close()

    rng = random.Random(seed)
    cuts = all_cuts(recording) if ALL else choice_of_cuts(recording, rng, MOST)
    disk = CutDisk()
    seen: dict[int, bool] = {}
    taken = 0
    for cut in sorted(cuts, key=lambda one: one.after):
        for event in recording.events[taken : cut.after]:
            disk.take(event)
        taken = cut.after
        left = disk.image(cut.fate, rng)
        key = hash(frozenset(left.items()))
        if key not in seen:
            write_image(left, memory_folder / f"cut{len(seen)}")
            seen[key] = check(memory_folder / f"cut{len(seen)}" / "pillarbox.db", old_dump)
    assert any(seen.values())
    assert not all(seen.values())
    figures(f"migration: {len(cuts)} power cuts, {len(seen)} different disks opened")
