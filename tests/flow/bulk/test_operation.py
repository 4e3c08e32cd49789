"""Operations on many messages, asked for over JMAP: what each action does, what is refused."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from pillarbox.config.bulk import BulkSettings
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import accounts
from support.bulk_box import BulkBox


async def paths(box: BulkBox) -> dict[int, set[str]]:
    rows = await box.store.read(
        lambda db: db.rows(
            "SELECT message_id, path FROM placement JOIN mailbox USING (account_id, mailbox_id)"
            " WHERE account_id = ?",
            (box.alice.id,),
        )
    )
    found: dict[int, set[str]] = {}
    for message, path in rows:
        found.setdefault(message, set()).add(path)
    return found


async def move_to_trash(box: BulkBox, **more: Any) -> dict[str, Any]:
    action = {"type": "move", "toMailboxId": await box.id_of("Trash")}
    return await box.order(filter={"inMailbox": await box.id_of("INBOX")}, action=action, **more)


async def test_a_move_is_told_of_from_first_to_last(box: BulkBox) -> None:
    await box.fill(20)
    made = await move_to_trash(box)
    assert (made["status"], made["total"], made["done"]) == ("queued", 20, 0)
    assert made["cancellable"] and made["undoUntil"] is None
    assert made["summary"]["type"] == "move"
    assert made["summary"]["mailboxId"] == await box.id_of("Trash")
    assert made["summary"]["fromMailboxId"] == await box.id_of("INBOX")
    assert await box.work() == 1
    done = await box.operation(made["id"])
    assert (done["status"], done["done"], done["failed"]) == ("done", 20, 0)
    assert done["finishedAt"] and done["undoUntil"] == "2026-12-01T12:00:00Z"
    assert set.union(*(await paths(box)).values()) == {"Trash"}
    await box.check()


async def test_with_its_last_message_it_has_ended(
    box: BulkBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await box.fill(20)
    made = await move_to_trash(box)
    run = await box.take()
    assert run is not None
    seen = []
    write = box.store.write

    async def write_and_look(*given: Any, **more: Any) -> Any:
        answer = await write(*given, **more)
        now = await box.operation(made["id"])
        seen.append((now["done"], now["status"]))
        return answer

    monkeypatch.setattr(box.store, "write", write_and_look)
    await run.to_the_end()
    assert seen == [(7, "running"), (14, "running"), (20, "done")]


async def test_undo_gives_every_message_its_mailboxes_and_keywords_back(box: BulkBox) -> None:
    uids = await box.fill(30)
    await box.create("Work")
    await box.flag(uids[:9], FlagChange.ADD, Flag.SEEN | Flag.FLAGGED, "blue green")
    await box.flag(uids[5:8], FlagChange.ADD, Flag.DELETED)
    labelled = [f"M{one.message}" for one in (await box.placed())[3:20]]
    action = {"type": "addMailbox", "mailboxId": await box.id_of("Work")}
    await box.order(emailIds=labelled, action=action)
    await box.work()
    before = await box.digest()
    made = await move_to_trash(box)
    await box.work()
    assert await box.digest() != before
    told = await box.change(made["id"], undo=True)
    await box.work()
    assert await box.digest() == before
    undo = await box.operation(told["undoneBy"])
    assert (undo["status"], undo["done"], undo["undoOf"]) == (
        "done",
        made["total"],
        made["id"],
    )
    assert undo["action"] == {"type": "undo"} and undo["undoUntil"] is None
    assert (await box.operation(made["id"]))["undoneBy"] == undo["id"]
    assert await box.change(made["id"], undo=True) == told  # asked twice, done once
    assert await box.work() == 0
    await box.check()


@pytest.mark.parametrize(
    "action",
    [
        {"type": "destroy"},
        {"type": "setKeywords", "keywords": {"$seen": True, "$flagged": True, "Blue": True}},
        {"type": "unsetKeywords", "keywords": {"$seen": True, "blue": True}},
        {"type": "addMailbox", "mailboxId": "Archive"},
        {"type": "removeMailbox", "mailboxId": "Archive"},
        {"type": "move", "toMailboxId": "Archive", "fromMailboxId": "INBOX"},
        {"type": "destroy", "fromMailboxId": "Archive"},
    ],
    ids=lambda action: action["type"],
)
async def test_every_action_is_undone_exactly(box: BulkBox, action: dict[str, Any]) -> None:
    uids = await box.fill(24)
    await box.flag(uids[::2], FlagChange.ADD, Flag.SEEN, "Blue red")
    await box.flag(uids[::3], FlagChange.ADD, Flag.DELETED | Flag.FLAGGED, "other")
    some = [f"M{one.message}" for one in (await box.placed())[4:12]]
    archive = await box.id_of("Archive")
    await box.order(emailIds=some, action={"type": "addMailbox", "mailboxId": archive})
    await box.work()
    before = await box.digest()
    for name, value in action.items():
        if name.endswith("MailboxId") or name == "mailboxId":
            action = action | {name: await box.id_of(value)}
    made = await box.order(filter={}, action=action)
    await box.work()
    assert await box.digest() != before
    await box.check()
    await box.change(made["id"], undo=True)
    await box.work()
    assert await box.digest() == before
    await box.check()


async def test_what_arrives_later_stays(box: BulkBox) -> None:
    await box.fill(5)
    state = (await box.call("Email/get", ids=[]))["state"]
    await box.fill(3)
    made = await move_to_trash(box, upToState=state)
    assert made["total"] == 5
    await box.fill(2)
    await box.work()
    assert len(await box.placed()) == 5


async def test_what_came_from_another_mailbox_since_was_not_in_the_list(box: BulkBox) -> None:
    archive = await box.mailbox("Archive")
    await box.fill(2)
    await box.fill(2, archive.id)
    state = (await box.call("Email/get", ids=[]))["state"]
    inbox = await box.id_of("INBOX")
    await box.order(
        filter={"inMailbox": await box.id_of("Archive")},
        action={"type": "move", "toMailboxId": inbox},
    )
    await box.work()
    assert (await move_to_trash(box, upToState=state))["total"] == 2
    everything = {"filter": {}, "upToState": state}
    trash = {"type": "move", "toMailboxId": await box.id_of("Trash")}
    assert (await box.order(action=trash, **everything))["total"] == 4


async def test_exceptions_and_keys(box: BulkBox) -> None:
    await box.fill(4)
    kept = [f"M{one.message}" for one in (await box.placed())[:1]]
    made = await move_to_trash(box, exceptIds=kept, idempotencyKey="7f3c")
    assert made["total"] == 3
    assert (await move_to_trash(box, idempotencyKey="7f3c"))["id"] == made["id"]
    assert await box.work() == 1
    assert (await move_to_trash(box, idempotencyKey="7f3c"))["status"] == "done"
    assert [f"M{one.message}" for one in await box.placed()] == kept


async def test_stopped_counted_gone_on_with(box: BulkBox) -> None:
    await box.fill(40)
    before = await box.digest()
    made = await move_to_trash(box)
    run = await box.take()
    assert run is not None
    await run._step()
    await run._step()
    assert await box.change(made["id"], status="cancelling")
    await run.to_the_end()
    stopped = await box.operation(made["id"])
    moved = len(await box.placed((await box.mailbox("Trash")).id))
    assert stopped["status"] == "cancelled" and stopped["done"] == moved == 14
    await box.change(made["id"], status="running")
    await box.work()
    assert (await box.operation(made["id"]))["done"] == 40
    await box.change(made["id"], undo=True)
    await box.work()
    assert await box.digest() == before
    assert (await box.call("BulkOperation/set", update={made["id"]: {"status": "running"}}))[
        "notUpdated"
    ]


async def test_undo_of_a_running_one_stops_it_first(box: BulkBox) -> None:
    await box.fill(40)
    before = await box.digest()
    made = await move_to_trash(box)
    run = await box.take()
    assert run is not None
    await run._step()
    await box.change(made["id"], undo=True)
    assert await box.take() is None  # one at a time for an account
    await run.to_the_end()
    assert await box.work() == 1
    assert await box.digest() == before


async def test_one_that_never_began_is_stopped_at_once(box: BulkBox) -> None:
    await box.fill(3)
    made = await move_to_trash(box)
    assert (await box.change(made["id"], status="cancelling"))["status"] == "cancelled"
    assert await box.work() == 0 and len(await box.placed()) == 3


async def test_who_was_moved_meanwhile_stays_and_can_be_retried(box: BulkBox) -> None:
    uids = await box.fill(10)
    made = await move_to_trash(box)
    first = f"M{(await box.placed())[0].message}"
    archive = {await box.id_of("Archive"): True}
    await box.call("Email/set", update={first: {"mailboxIds": archive}})
    gone = f"M{(await box.placed())[0].message}"
    await box.call("Email/set", destroy=[gone])
    await box.work()
    told = await box.operation(made["id"])
    assert (told["status"], told["done"], told["failed"]) == ("doneWithProblems", 8, 2)
    assert [(one["id"], one["type"]) for one in told["failures"]] == [
        (first, "changedSince"),
        (gone, "notFound"),
    ]
    assert all(one["description"] for one in told["failures"])
    await box.call("Email/set", update={first: {"mailboxIds": {await box.id_of("INBOX"): True}}})
    await box.change(made["id"], status="running")
    await box.work()
    told = await box.operation(made["id"])
    assert (told["done"], told["failed"], told["total"]) == (9, 1, len(uids))
    await box.check()


async def test_undo_leaves_what_people_did_since(box: BulkBox) -> None:
    uids = await box.fill(4)
    made = await move_to_trash(box)
    await box.work()
    ids = [f"M{one.message}" for one in await box.placed((await box.mailbox("Trash")).id)]
    archive = {await box.id_of("Archive"): True}
    update = {ids[0]: {"mailboxIds": archive}, ids[1]: {"keywords/$flagged": True}}
    await box.call("Email/set", update=update, destroy=[ids[2]])
    told = await box.change(made["id"], undo=True)
    await box.work()
    undo = await box.operation(told["undoneBy"])
    assert [one["type"] for one in undo["failures"]] == ["changedSince"]
    there = {f"M{one.message}": one.flags for one in await box.placed()}
    assert there == {ids[1]: Flag.FLAGGED, ids[2]: 0, ids[3]: 0} and len(uids) == 4


async def test_over_quota_moves_and_undo_of_moves_work(box: BulkBox) -> None:
    await box.fill(10)
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 1, 1))
    before = await box.digest()
    made = await move_to_trash(box)
    await box.work()
    assert (await box.operation(made["id"]))["status"] == "done"
    more = {"type": "addMailbox", "mailboxId": await box.id_of("Archive")}
    copies = await box.order(filter={}, action=more)
    await box.work()
    told = await box.operation(copies["id"])
    assert told["done"] == 0 and {one["type"] for one in told["failures"]} == {"overQuota"}
    await box.change(made["id"], undo=True)
    await box.work()
    assert await box.digest() == before
    destroyed = await box.order(filter={}, action={"type": "destroy"})
    await box.work()
    assert (await box.operation(destroyed["id"]))["done"] == 10
    told = await box.change(destroyed["id"], undo=True)
    await box.work()
    undo = await box.operation(told["undoneBy"])
    assert (undo["done"], undo["failed"]) == (0, 10)  # more than there is room for
    await box.store.write(lambda tx: accounts.set_quota(tx, box.alice.id, 0, 0))
    await box.change(told["undoneBy"], status="running")
    await box.work()
    assert await box.digest() == before
    await box.check()


async def test_a_target_that_goes_ends_it_with_a_sentence(box: BulkBox) -> None:
    await box.fill(10)
    work = await box.create("Work")
    made = await box.order(
        filter={}, action={"type": "move", "toMailboxId": await box.id_of("Work")}
    )
    run = await box.take()
    assert run is not None
    await run._step()
    await box.call("Mailbox/set", destroy=[f"F{work.id}"], onDestroyRemoveEmails=True)
    await run.to_the_end()
    told = await box.operation(made["id"])
    assert told["status"] == "failed" and told["description"] and told["done"] == 7


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"filter": {}, "action": {"type": "burn"}}, "invalidProperties"),
        ({"action": {"type": "destroy"}}, "invalidProperties"),
        ({"filter": {}, "emailIds": [], "action": {"type": "destroy"}}, "invalidProperties"),
        ({"filter": {"colour": 1}, "action": {"type": "destroy"}}, "invalidProperties"),
        ({"filter": {}, "action": {"type": "move"}}, "invalidProperties"),
        ({"filter": {}, "action": {"type": "move", "toMailboxId": "F99"}}, "invalidProperties"),
        ({"filter": {}, "action": {"type": "destroy", "x": 1}}, "invalidProperties"),
        ({"filter": {}, "action": {"type": "setKeywords"}}, "invalidProperties"),
        ({"filter": {}, "action": {"type": "destroy"}, "total": 3}, "invalidProperties"),
        ({"filter": {}, "action": {"type": "destroy"}, "upToState": "no"}, "invalidProperties"),
    ],
)
async def test_what_cannot_be_is_refused(box: BulkBox, given: dict[str, Any], kind: str) -> None:
    answer = await box.call("BulkOperation/set", create={"b": given})
    assert answer["created"] is None
    assert answer["notCreated"]["b"]["type"] == kind
    assert answer["notCreated"]["b"]["description"]


async def test_changes_and_query_tell_of_each(box: BulkBox) -> None:
    await box.fill(3)
    state = (await box.call("BulkOperation/get", ids=None))["state"]
    made = await move_to_trash(box)
    changes = await box.call("BulkOperation/changes", sinceState=state)
    assert changes["created"] == [made["id"]] and changes["updated"] == []
    await box.work()
    changes = await box.call("BulkOperation/changes", sinceState=changes["newState"])
    assert changes["updated"] == [made["id"]]
    assert (await box.call("BulkOperation/query"))["ids"] == [made["id"]]
    running = await box.call("BulkOperation/query", filter={"status": ["running"]})
    assert running["ids"] == []
    answer = await box.call("BulkOperation/set", destroy=[made["id"]])
    assert answer["notDestroyed"][made["id"]]["type"] == "forbidden"
    assert (await box.call("BulkOperation/get", ids=["O99"]))["notFound"] == ["O99"]


@pytest.mark.parametrize(
    ("busy", "took", "elapsed", "rests"),
    [
        (False, 0.01, 0, 0.005),  # nobody else is there
        (True, 0.01, 0, 0.04),
        (True, 0.01, 19.0, 0.01),  # late, but others find it free half the time
        (True, 0.01, 18.0, 0.01),
        (True, 0.01, 17.0, 0.02),  # as long as it is done in time
        (True, 0.5, 0, 0.5),
    ],
)
async def test_how_long_it_rests(
    box: BulkBox, busy: bool, took: float, elapsed: float, rests: float
) -> None:
    """A hundred steps are left of one that should take twenty seconds."""
    await box.fill(3)
    made = await move_to_trash(box)
    box.bulk = BulkSettings()
    run = await box.take()
    assert made["total"] == 3 and run is not None
    await box.clock.advance(elapsed)
    if busy:
        await box.append()
    else:
        await box.clock.advance(10)
    run._took, run._steps_left = took, 100
    assert run._rest() == pytest.approx(rests)


@pytest.mark.parametrize(("busy", "next_size"), [(True, 60), (False, 184)])
async def test_how_long_a_step_is(
    box: BulkBox, busy: bool, next_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind 120 messages in 7.8 ms: half as many, or as fit into 12 ms while it is quiet."""
    await box.fill(130)
    await move_to_trash(box)
    box.bulk = BulkSettings(first_step_messages=120)
    run = await box.take()
    assert run is not None
    ticks = itertools.count()
    monkeypatch.setattr(run, "_is_quiet", lambda: not busy)
    clock = SimpleNamespace(monotonic=lambda: next(ticks) / 128)  # its own: no thread takes a tick
    monkeypatch.setattr(run, "_clock", clock)
    assert await run._step()
    assert run._size == next_size
