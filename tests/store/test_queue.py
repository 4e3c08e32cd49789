"""The queue's rows: leases, marks, fairness over lanes, and the step from the first schema."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.engine.sqlite.migrate import migrate, migrations
from pillarbox.store.model import QueuedRecipient
from pillarbox.store.model import RecipientState as State
from pillarbox.store.sql.queue import domain_of, oldest
from pillarbox.store.sql.queue_lease import (
    Ask,
    Finish,
    Stop,
    Turn,
    Turned,
    fresh_lanes,
    lanes,
    turn,
)
from pillarbox.store.sql.queue_reports import pending, reported, warn
from pillarbox.store.sql.queue_steer import Steer, steer
from support.queue_bench import message, put, rows
from support.store_box import Box


def seconds(box: Box) -> int:
    return int(box.clock.now().timestamp())


async def write(box: Box, worker: str = "w1", **parts: object) -> Turned:
    wanted = Turn(worker=worker, until=seconds(box) + 90, **parts)  # type: ignore[arg-type]
    return await box.store.write(lambda tx: turn(tx, wanted))


def keys(turned: Turned) -> list[tuple[int, int]]:
    return [(one.recipient.queued, one.recipient.number) for one in turned.leased]


def relayed(key: tuple[int, int]) -> Finish:
    return Finish(key=key, state=State.RELAYED, due_at=None, reply="250 OK")


def later(box: Box, key: tuple[int, int], after: int = 60) -> Finish:
    return Finish(key=key, state=State.WAITING, due_at=seconds(box) + after, reply="451 no")


@pytest.mark.parametrize(
    ("path", "domain"),
    [
        ("a@Example.ORG", "example.org"),
        ('"a@b"@example.org', "example.org"),
        ("a@bücher.example", "xn--bcher-kva.example"),
        ("a@[192.0.2.1]", "[192.0.2.1]"),
        ("a@" + "ü" * 300, "ü" * 300),  # no name for the DNS: kept, and refused when it is tried
        ("postmaster", "postmaster"),
    ],
)
def test_domains(path: str, domain: str) -> None:
    assert domain_of(QueuedRecipient(path)) == domain


async def test_a_lease_is_one_workers(box: Box) -> None:
    await put(box.store, message("a@x.example", "b@x.example", "c@y.example"))
    first = await write(box, ask=[Ask("x.example", 1)])
    assert keys(first) == [(1, 0)]
    assert first.leased[0].message.reverse_path == "alice@example.org"
    second = await write(box, "w2", ask=[Ask("x.example", 9), Ask("y.example", 9)])
    assert keys(second) == [(1, 1), (1, 2)]
    assert keys(await write(box, "w3", ask=[Ask("x.example", 9)])) == []
    await box.clock.advance(91)
    third = await write(box, "w3", ask=[Ask("x.example", 9)])
    assert keys(third) == [(1, 0), (1, 1)]
    assert not any(one.recipient.uncertain for one in third.leased)  # never marked


async def test_only_who_has_the_lease_may_begin(box: Box) -> None:
    await put(box.store, message("a@x.example", "b@x.example"))
    await write(box, ask=[Ask("x.example", 9)])
    assert (await write(box, "w2", start=[(1, 0)])).started == frozenset()
    assert (await write(box, start=[(1, 0)])).started == {(1, 0)}
    await box.store.write(lambda tx: steer(tx, [(1, 0), (1, 1)], Steer.HOLD))
    assert (await write(box, start=[(1, 1)])).started == frozenset()
    states = [one.state for one in await rows(box.store)]
    assert states == [State.WAITING, State.HELD]  # what is being sent is left alone
    await box.clock.advance(91)
    assert (await write(box, start=[(1, 0)])).started == frozenset()  # too late


async def test_a_mark_without_an_end_is_uncertain(box: Box) -> None:
    await put(box.store, message("a@x.example"))
    await write(box, ask=[Ask("x.example", 9)])
    await write(box, start=[(1, 0)])
    await box.clock.advance(91)
    (again,) = (await write(box, "w2", ask=[Ask("x.example", 9)])).leased
    assert (again.recipient.uncertain, again.recipient.attempts) == (True, 1)
    await write(box, "w2", start=[(1, 0)], finished=[])
    # The first worker was only slow: its failure counts no more, its success does.
    await write(box, finished=[later(box, (1, 0))])
    assert (await rows(box.store))[0].sending
    await write(box, finished=[relayed((1, 0))])
    (row,) = await rows(box.store)
    assert (row.state, row.uncertain, row.sending) == (State.RELAYED, True, False)
    await write(box, "w2", finished=[later(box, (1, 0))])
    assert (await rows(box.store))[0].state is State.RELAYED


async def test_a_delay_is_told_once(box: Box) -> None:
    """The attempt began before its sender was warned, and ends behind it."""
    await put(box.store, message("a@x.example"))
    (one,) = (await write(box, ask=[Ask("x.example", 9)])).leased
    key = (one.recipient.queued, one.recipient.number)
    assert await box.store.write(lambda tx: warn(tx, [(key, "delayed")])) == 1
    (told,) = await box.store.read(lambda db: pending(db, seconds(box) + 1, 9))
    assert await box.store.write(lambda tx: reported(tx, told))
    late = msgspec.structs.replace(later(box, key), report="delayed")
    await write(box, finished=[late])
    (row,) = await rows(box.store)
    assert (row.warned, row.report, row.attempts) == (True, "", 1)


async def test_renewing_and_giving_back(box: Box) -> None:
    await put(box.store, message("a@x.example", "b@x.example"))
    await write(box, ask=[Ask("x.example", 9)])
    await box.clock.advance(60)
    await write(box, renew=[(1, 0)])
    await box.clock.advance(60)
    assert keys(await write(box, "w2", ask=[Ask("x.example", 9)])) == [(1, 1)]
    await write(box, give_back=[((1, 0), seconds(box)), ((1, 1), seconds(box))])
    assert keys(await write(box, "w3", ask=[Ask("x.example", 9)])) == [(1, 0)]


async def test_lanes_are_found_whatever_waits_in_them(box: Box) -> None:
    await put(box.store, *(message(f"u{n}@d{n % 3}.example") for n in range(30)))
    now = seconds(box)
    found = await box.store.read(lambda db: lanes(db, "", 100))
    assert [(one.name, one.due_at) for one in found] == [(f"d{n}.example", now) for n in range(3)]
    assert [one.name for one in await box.store.read(lambda db: lanes(db, "", 2))] == [
        "d0.example",
        "d1.example",
    ]
    rest = await box.store.read(lambda db: lanes(db, "d1.example", 2))
    assert [one.name for one in rest] == ["d2.example"]
    await write(box, stop=[Stop("d1.example", now + 60, 3, "no route")])
    found = await box.store.read(lambda db: lanes(db, "", 100))
    assert [(one.due_at - now, one.failures) for one in found] == [(0, 0), (60, 3), (0, 0)]
    fresh = await box.store.read(lambda db: fresh_lanes(db, 10, now, 100))
    assert sorted((one.name, one.due_at - now) for one in fresh) == [
        ("d0.example", 0),
        ("d1.example", 60),
        ("d2.example", 0),
    ]
    await write(box, resume=["d1.example"])
    fresh = await box.store.read(lambda db: fresh_lanes(db, 28, now, 100))
    assert sorted(one.name for one in fresh) == ["d1.example", "d2.example"]


async def test_what_is_held_is_told_with_its_time(box: Box) -> None:
    now = seconds(box)
    held = message("a@x.example", release_at=now + 10, hold="for;10")
    await put(box.store, held, message("b@x.example"))
    fresh = await box.store.read(lambda db: fresh_lanes(db, 0, now, 100))
    assert sorted((one.name, one.due_at - now) for one in fresh) == [
        ("x.example", 0),
        ("x.example", 10),
    ]


async def test_looks_use_their_indexes(box: Box) -> None:
    """A dead lane with a hundred thousand rows must cost others nothing."""

    async def plans(db) -> str:  # type: ignore[no-untyped-def]
        from pillarbox.store.sql import queue_lease as sql

        texts = []
        for text, params in (
            (sql._LANES, ("", 10)),
            (sql._LEASE, ("w", 1, "x", 1, 1)),
            (sql._START, ("w", 1, "[]")),
            (sql._FINISH, ("w", 1, "[]")),
            (sql._FRESH, (1, 1, 1)),
        ):
            found = await db.rows(f"EXPLAIN QUERY PLAN {text}", params)
            texts += [row[3] for row in found]
        return "\n".join(texts)

    shown = await box.store.read(plans)
    assert "SCAN queued_recipient" not in shown
    assert "SCAN r" not in shown
    assert "queued_recipient_due (lane=? AND due_at" in shown


async def test_the_oldest(box: Box) -> None:
    assert await box.store.read(oldest) is None
    await put(box.store, message("a@x.example"))
    begun = seconds(box)
    await box.clock.advance(100)
    await put(box.store, message("b@x.example"))
    assert await box.store.read(oldest) == begun
    await write(box, ask=[Ask("x.example", 1)])
    await write(box, finished=[relayed((1, 0))])
    assert await box.store.read(oldest) == begun + 100


def test_what_the_first_schema_queued_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    connection = apsw.Connection(str(path))
    every = migrations()
    migrate(connection, path, 0, RealDisk(), every[:1])
    connection.execute(
        """
        INSERT INTO queued VALUES (7, 1, x'00', 9, x'', 'a@example.org', 'j', 0, 1, '', '', 100);
        INSERT INTO queued_recipient (queued_id, number, forward_path, notify, orcpt, state,
            next_attempt_at) VALUES (7, 0, 'b@X.Example', '', '', 'waiting', 100),
            (7, 1, '"c@d"@y.example', 'NEVER', '', 'waiting', 100)
        """
    )
    migrate(connection, path, 1, RealDisk(), every[:2])
    assert connection.execute("SELECT body, requiretls FROM queued").fetchall() == [("8BITMIME", 0)]
    assert connection.execute(
        "SELECT forward_path, domain, lane, notify, state, due_at FROM queued_recipient"
    ).fetchall() == [
        ("b@X.Example", "x.example", "x.example", "", "waiting", 100),
        ('"c@d"@y.example', "y.example", "y.example", "NEVER", "waiting", 100),
    ]
