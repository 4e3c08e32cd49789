"""The trash and the junk after thirty days, and operations after as many."""

from __future__ import annotations

from datetime import timedelta

from pillarbox.config.bulk import BulkSettings
from pillarbox.flow.bulk.housekeeping import empty_trash_and_junk, forget_operations
from support.bulk_box import BulkBox

DAY = timedelta(days=1).total_seconds()
OLD = 1_600_000_000  # years ago


async def counts(box: BulkBox) -> list[int]:
    return [len(await box.placed((await box.mailbox(one)).id)) for one in ("Trash", "Junk")]


async def move(box: BulkBox, count: int, to: str) -> str:
    placed = await box.placed()
    ids = [f"M{one.message}" for one in placed[:count]]
    made = await box.order(
        emailIds=ids, action={"type": "move", "toMailboxId": await box.id_of(to)}
    )
    await box.work()
    number = made["id"]
    assert isinstance(number, str)
    return number


async def test_days_are_counted_from_the_move(box: BulkBox) -> None:
    for _ in range(9):
        await box.append(received_at=OLD)
    await move(box, 3, "Trash")
    await box.clock.advance(20 * DAY)
    await move(box, 2, "Trash")
    await move(box, 2, "Junk")
    await empty_trash_and_junk(box.store, BulkSettings())
    assert await counts(box) == [5, 2]
    await box.clock.advance(11 * DAY)
    await empty_trash_and_junk(box.store, BulkSettings())
    assert await counts(box) == [2, 2]
    await box.clock.advance(20 * DAY)
    await empty_trash_and_junk(box.store, BulkSettings(junk_days=0))
    assert await counts(box) == [0, 2] and len(await box.placed()) == 2
    await box.check()


async def test_more_than_a_step(box: BulkBox) -> None:
    await box.fill(450)
    await move(box, 450, "Trash")
    await box.clock.advance(31 * DAY)
    box.clock.sleep = lambda _seconds: box.clock.advance(0)
    await empty_trash_and_junk(box.store, BulkSettings())
    assert await counts(box) == [0, 0]


async def test_operations_are_forgotten_and_their_states_are_too_old(box: BulkBox) -> None:
    await box.fill(4)
    first = await move(box, 2, "Trash")
    await box.clock.advance(20 * DAY)
    second = await move(box, 2, "Trash")
    await box.clock.advance(11 * DAY)
    told = await box.operation(first)
    assert told["undoUntil"] is None  # and yet it is still in the history
    state = (await box.call("BulkOperation/get", ids=[]))["state"]
    await forget_operations(box.store, BulkSettings())
    assert (await box.call("BulkOperation/query"))["ids"] == [second]
    changes = await box.call("BulkOperation/changes", sinceState=state)
    assert changes["type"] == "cannotCalculateChanges"
    rows = await box.store.read(lambda db: db.rows("SELECT DISTINCT bulk_id FROM bulk_former"))
    assert [f"O{number}" for (number,) in rows] == [second]
    answer = await box.call("BulkOperation/set", update={first: {"undo": True}})
    assert answer["notUpdated"][first]["type"] == "notFound"


async def test_too_late_for_an_undo(box: BulkBox) -> None:
    await box.fill(2)
    made = await move(box, 2, "Trash")
    await box.clock.advance(31 * DAY)
    answer = await box.call("BulkOperation/set", update={made: {"undo": True}})
    assert answer["notUpdated"][made]["type"] == "forbidden"
