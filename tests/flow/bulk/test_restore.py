"""Mail that was destroyed comes back, where it was or where it can be seen."""

from __future__ import annotations

from typing import Any

from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import mailboxes, messages
from support.bulk_box import BulkBox
from support.store_box import letter


async def deleted(box: BulkBox, **given: Any) -> list[dict[str, Any]]:
    ids = (await box.call("DeletedEmail/query", filter=given))["ids"]
    return list((await box.call("DeletedEmail/get", ids=ids))["list"])


async def destroy(box: BulkBox, count: int) -> list[str]:
    ids = [f"M{one.message}" for one in (await box.placed())[:count]]
    answer = await box.call("Email/set", destroy=ids)
    assert answer["destroyed"] == ids
    return ids


async def restore(box: BulkBox, **given: Any) -> dict[str, Any]:
    made = await box.order(action={"type": "restore"}, **given)
    await box.work()
    return await box.operation(made["id"])


async def test_what_was_destroyed_is_listed_and_comes_back_as_it_was(box: BulkBox) -> None:
    uids = await box.fill(6)
    await box.flag(uids[:2], FlagChange.ADD, Flag.SEEN | Flag.FLAGGED, "blue")
    before = await box.digest()
    await destroy(box, 4)
    listed = await deleted(box)
    assert len(listed) == 4
    assert {one["subject"] for one in listed} == {f"Letter {n}" for n in range(4)}
    assert listed[0]["from"] == [{"name": "Bob", "email": "bob@example.org"}]
    assert listed[0]["mailboxIds"] == {await box.id_of("INBOX"): True}
    assert listed[0]["destroyedAt"] == "2026-11-01T12:00:00Z"
    assert listed[0]["restorableUntil"] == "2026-12-01T12:00:00Z"
    done = await restore(box, filter={})
    assert (done["status"], done["done"], done["undoUntil"]) == ("done", 4, None)
    assert await box.digest() == before and await deleted(box) == []
    await box.check()


async def test_by_text_by_time_and_by_id(box: BulkBox) -> None:
    for subject in ("Roof tiles", "Invoice", "roof again", "Train"):
        await box.append(letter(subject))
    first = await destroy(box, 2)
    await box.clock.advance(3600)
    await destroy(box, 2)
    assert {one["subject"] for one in await deleted(box, text="ROOF")} == {
        "Roof tiles",
        "roof again",
    }
    late = {"after": "2026-11-01T12:30:00Z"}
    assert {one["subject"] for one in await deleted(box, **late)} == {"roof again", "Train"}
    await restore(box, emailIds=first[:1])
    assert [f"M{one.message}" for one in await box.placed()] == first[:1]
    await restore(box, filter={"deletedAfter": late["after"]})
    assert len(await box.placed()) == 3
    assert (await box.call("DeletedEmail/query", filter={"x": 1}))["type"] == "unsupportedFilter"


async def test_from_the_trash_it_goes_where_it_was_before(box: BulkBox) -> None:
    work = await box.create("Work")
    await box.append(mailbox=work.id)
    trash = await box.mailbox("Trash")
    await box.store.write(lambda tx: messages.move(tx, box.alice.id, work.id, [1], trash.id))
    await box.order(filter={"inMailbox": f"F{trash.id}"}, action={"type": "destroy"})
    await box.work()
    await restore(box, filter={})
    assert len(await box.placed(work.id)) == 1 and await box.placed(trash.id) == []


async def test_it_comes_back_to_all_mailboxes_that_it_was_in(box: BulkBox) -> None:
    work, trash = await box.create("Work"), await box.id_of("Trash")
    one = await box.append()
    email, both = f"M{one.message}", {await box.id_of("INBOX"), f"F{work.id}"}
    await box.call("Email/set", update={email: {"mailboxIds": dict.fromkeys(both, True)}})
    for move in (None, {"mailboxIds": {trash: True}}):
        if move is not None:
            await box.call("Email/set", update={email: move})
        assert (await box.call("Email/set", destroy=[email]))["destroyed"] == [email]
        await restore(box, filter={})
        (told,) = (await box.call("Email/get", ids=[email]))["list"]
        assert set(told["mailboxIds"]) == both
    await box.check()


async def test_into_the_inbox_where_the_mailbox_is_gone(box: BulkBox) -> None:
    work = await box.create("Work")
    await box.append(mailbox=work.id)
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Work"))
    done = await restore(box, filter={})
    assert done["done"] == 1 and len(await box.placed()) == 1
    assert (await box.call("Email/query", filter={"inMailbox": await box.id_of("INBOX")}))["ids"]


async def test_clients_that_were_away_learn_of_it(box: BulkBox) -> None:
    await box.fill(2)
    both = (await box.call("Email/get", ids=[]))["state"]
    ids = await destroy(box, 2)
    none = (await box.call("Email/get", ids=[]))["state"]
    await restore(box, filter={})
    since = await box.call("Email/changes", sinceState=none)
    assert sorted(since["created"]) == sorted(ids)
    since = await box.call("Email/changes", sinceState=both)
    # Told as new also to who has them, since others may have heard in parts that they went.
    assert sorted(since["created"]) == sorted(ids) and since["destroyed"] == []


async def test_versions_of_a_draft_are_not_listed(box: BulkBox) -> None:
    await box.append(flags=int(Flag.DRAFT))
    await destroy(box, 1)
    assert await deleted(box) == []


async def test_what_is_kept_no_longer_fails(box: BulkBox) -> None:
    await box.fill(2)
    ids = await destroy(box, 2)
    made = await box.order(emailIds=ids, action={"type": "restore"})
    await box.clock.advance(31 * 86_400)
    await box.store.maintain()
    await box.work()
    told = await box.operation(made["id"])
    assert (told["status"], told["failed"]) == ("doneWithProblems", 2)
    assert {one["type"] for one in told["failures"]} == {"notFound"}
