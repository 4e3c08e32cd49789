"""What of an account's history is known, and what is not any more."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import ModSeq
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.engine.sqlite.connection import connect
from pillarbox.store.engine.sqlite.migrate import migrate, migrations
from pillarbox.store.sql import mailboxes, messages
from pillarbox.store.sql.account_changes import Changes, Point, email_changes, thread_changes
from pillarbox.store.sql.mailbox_changes import mailbox_changes
from support.store_box import Box, letter

_DAY = 86_400
_CACHE = 1 << 20


async def changes(box: Box, since: int, limit: int = 100) -> Changes:
    return await box.store.scan(
        lambda db: email_changes(db, box.alice.id, Point(ModSeq(since)), limit)
    )


async def test_what_came_and_went_is_not_told(box: Box) -> None:
    before = (await box.account()).modseq
    placed = await box.append()
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [placed.uid], force=True)
    )
    told = await changes(box, before)
    assert (told.created, told.updated, told.destroyed) == ([], [], [])
    assert (await changes(box, placed.modseq)).destroyed == [placed.message]


async def test_one_of_two_places_goes(box: Box) -> None:
    placed = await box.append()
    archive = await box.mailbox("Archive")
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [placed.uid], archive.id)
    )
    between = (await box.account()).modseq
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [placed.uid], force=True)
    )
    assert (await changes(box, between)).updated == [placed.message]
    assert (await changes(box, placed.modseq)).updated == [placed.message]
    assert (await changes(box, placed.modseq - 1)).created == [placed.message]


async def test_one_write_in_many_pages(box: Box) -> None:
    uids = await box.fill(25)
    before = (await box.account()).modseq
    archive = await box.mailbox("Archive")
    await box.store.write(
        lambda tx: messages.move(tx, box.alice.id, box.inbox.id, uids, archive.id)
    )
    point, seen, pages = Point(before), [], 0
    more = True
    while more:
        told = await box.store.scan(
            lambda db, at=point: email_changes(db, box.alice.id, at, 10)  # type: ignore[misc]
        )
        seen += told.updated
        point, more, pages = told.until, told.more, pages + 1
    assert (len(set(seen)), len(seen), pages) == (25, 25, 3)
    assert point == Point((await box.account()).modseq)


async def test_no_longer_known_when_tombstones_are_gone(box: Box) -> None:
    old = await box.append()
    before = (await box.account()).modseq
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [old.uid], force=True)
    )
    after = (await box.account()).modseq
    assert (await changes(box, before)).destroyed == [old.message]
    await box.clock.advance((box.settings.retention_days + 1) * _DAY)
    await box.store.maintain()
    for function in (email_changes, thread_changes, mailbox_changes):
        with pytest.raises(CannotCalculateChanges):
            await box.store.scan(
                lambda db, ask=function: ask(db, box.alice.id, Point(before), 9)  # type: ignore[misc]
            )
    assert (await changes(box, after)).updated == []


async def test_no_longer_known_when_a_deleted_mailbox_is_forgotten(box: Box) -> None:
    await box.create("Empty")
    before = (await box.account()).modseq
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Empty"))
    await box.clock.advance((box.settings.retention_days + 1) * _DAY)
    await box.store.maintain()
    with pytest.raises(CannotCalculateChanges):
        await changes(box, before)


def test_rows_from_before_the_step(tmp_path: Path) -> None:
    """Threads are filled in; of what was before, nobody is told anything."""
    path = tmp_path / "old.db"
    connection = connect(path, cache_octets=_CACHE)
    migrate(connection, path, 5, RealDisk(), [one for one in migrations() if one.number < 9])
    connection.execute(
        "INSERT INTO account (login, name, modseq, created_at) VALUES ('a@example.org', '', 70, 0)"
    )
    columns = [row[1:4] for row in connection.execute("PRAGMA table_info(message)")]
    for message, thread in ((1, 1), (2, 1), (3, 3)):
        given = {"account_id": 1, "message_id": message, "thread_id": thread}
        row = [
            given.get(name, 0 if kind == "INTEGER" else b"" if kind == "BLOB" else "")
            for name, kind, _ in columns
            if name != "seq"
        ]
        names = ", ".join(name for name, _, _ in columns if name != "seq")
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO message ({names}) VALUES ({marks})", row)
        connection.execute(
            "INSERT INTO placement VALUES (1, 1, ?, ?, 0, '', ?, 0, 0, 0)",
            (message, message, 60 + message),
        )
    migrate(connection, path, 6, RealDisk())
    rows = connection.execute("SELECT uid, thread_id, placed_modseq FROM placement").fetchall()
    assert rows == [(1, 1, 0), (2, 1, 0), (3, 3, 0)]
    assert connection.execute("SELECT modseq, pruned_modseq FROM account").fetchall() == [(70, 70)]
    plan = _plan(connection, "SELECT uid FROM placement WHERE account_id = 1 AND thread_id = 3")
    assert "placement_thread" in plan
    connection.close()


def _plan(connection: apsw.Connection, sql: str) -> str:
    return " ".join(str(row) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))


async def test_the_append_fills_the_new_columns(box: Box) -> None:

    placed = await box.append(letter())
    rows = await box.store.read(
        lambda db: db.rows("SELECT thread_id, placed_modseq, modseq FROM placement")
    )
    assert rows == [(placed.thread, placed.modseq, placed.modseq)]
