"""A folder deleted with its messages: one operation, told like others and undone like others."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import mailboxes, messages
from support.bulk_box import BulkBox


async def two_folders(box: BulkBox) -> list[str]:
    """The inner one first; eleven messages and four, one of them in the inbox, too."""
    outer, inner = await box.create("Lists"), await box.create("Lists/Python")
    await box.store.write(lambda tx: mailboxes.subscribe(tx, box.alice.id, "Lists/Python"))
    await box.fill(11, outer.id)
    await box.fill(4, inner.id)
    also = [f"M{one.message}" for one in (await box.placed(inner.id))[:1]]
    add = {"type": "addMailbox", "mailboxId": await box.id_of("INBOX")}
    await box.order(emailIds=also, action=add)
    await box.work()
    return [f"F{inner.id}", f"F{outer.id}"]


async def paths_of(box: BulkBox) -> list[tuple[int, str, int, str]]:
    """Each place by the name of its mailbox, which may be another one now."""
    return await box.store.read(
        lambda db: db.rows(
            "SELECT message_id, path, flags, keywords FROM placement"
            " JOIN mailbox USING (account_id, mailbox_id) WHERE account_id = ? ORDER BY 1, 2",
            (box.alice.id,),
        )
    )


async def delete(box: BulkBox, folders: list[str], **action: Any) -> dict[str, Any]:
    chosen = {"operator": "OR", "conditions": [{"inMailbox": one} for one in folders]}
    action = {"thenDestroyMailboxIds": folders} | action
    return await box.order(filter=chosen, action=action)


async def names(box: BulkBox) -> set[str]:
    tree = await box.store.read(lambda db: mailboxes.tree(db, box.alice.id))
    return {one.path for one in tree}


@pytest.mark.parametrize("kind", ["move", "destroy"])
async def test_messages_first_then_the_folders_and_back(box: BulkBox, kind: str) -> None:
    folders = await two_folders(box)
    before = await paths_of(box)
    action = {"type": kind} | ({"toMailboxId": await box.id_of("Trash")} if kind == "move" else {})
    made = await delete(box, folders, **action)
    assert made["action"] == action | {"thenDestroyMailboxIds": folders}
    await box.work()
    done = await box.operation(made["id"])
    assert (done["status"], done["done"], done["failed"]) == ("done", 15, 0)
    assert not {"Lists", "Lists/Python"} & await names(box)
    after = await paths_of(box)
    assert [path for _, path, _, _ in after].count("INBOX") == 1
    assert len(after) == (15 if kind == "move" else 1)
    await box.change(made["id"], undo=True)
    await box.work()
    assert await paths_of(box) == before
    subscribed = await box.store.read(lambda db: mailboxes.subscriptions(db, box.alice.id))
    assert "Lists/Python" in subscribed and "Lists" not in subscribed
    await box.check()


async def test_what_comes_meanwhile_goes_along(box: BulkBox) -> None:
    folders = await two_folders(box)
    made = await delete(box, folders, type="move", toMailboxId=await box.id_of("Trash"))
    outer = await box.mailbox("Lists")
    await box.fill(9, outer.id)
    [hidden, *_] = await box.placed(outer.id)
    await box.store.write(
        lambda tx: messages.store_flags(
            tx, box.alice.id, outer.id, [hidden.uid], FlagChange.ADD, int(Flag.DELETED), ""
        )
    )
    await box.work()
    done = await box.operation(made["id"])
    assert (done["status"], done["total"], done["done"]) == ("done", 24, 24)
    assert "Lists" not in await names(box)
    assert len(await box.placed((await box.mailbox("Trash")).id)) == 22  # one hidden, one elsewhere
    await box.check()


async def test_empty_folders_go_at_once(box: BulkBox) -> None:
    await box.create("Old")
    made = await delete(box, [await box.id_of("Old")], type="destroy")
    assert (made["status"], made["total"]) == ("queued", 0)
    await box.work()
    assert (await box.operation(made["id"]))["status"] == "done"
    assert "Old" not in await names(box)
    await box.change(made["id"], undo=True)
    await box.work()
    assert "Old" in await names(box)


async def test_a_folder_with_others_inside_stays(box: BulkBox) -> None:
    await two_folders(box)
    made = await delete(box, [await box.id_of("Lists")], type="destroy")
    await box.work()
    done = await box.operation(made["id"])
    assert done["status"] == "doneWithProblems" and "Lists" in done["description"]
    assert "Lists" in await names(box)


async def test_what_cannot_be_is_refused(box: BulkBox) -> None:
    inbox, trash = await box.id_of("INBOX"), await box.id_of("Trash")
    for action, kind in (
        ({"type": "destroy", "thenDestroyMailboxIds": [inbox]}, "forbidden"),
        ({"type": "move", "toMailboxId": trash, "thenDestroyMailboxIds": [trash]}, "forbidden"),
        ({"type": "destroy", "thenDestroyMailboxIds": ["F99"]}, "invalidProperties"),
        ({"type": "destroy", "thenDestroyMailboxIds": []}, "invalidProperties"),
        ({"type": "restore", "thenDestroyMailboxIds": [trash]}, "invalidProperties"),
    ):
        given = {"b": {"filter": {}, "action": action}}
        answer = await box.call("BulkOperation/set", create=given)
        assert answer["notCreated"]["b"]["type"] == kind, action
