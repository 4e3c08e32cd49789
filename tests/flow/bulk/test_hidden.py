r"""What IMAP flagged \Deleted beside what an operation is about: it is no place, and stays."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.ids import Uid
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages
from support.bulk_box import BulkBox

SEEN, DELETED = int(Flag.SEEN), int(Flag.DELETED)


async def hidden_copy(box: BulkBox, path: str, flags: int = SEEN) -> None:
    """A mail program copied the only message there, and flagged the copy."""
    account, target = box.alice.id, (await box.mailbox(path)).id
    [there] = await box.placed()
    copied = await box.store.write(
        lambda tx: messages.copy(tx, account, box.inbox.id, [there.uid], target)
    )
    await box.store.write(
        lambda tx: messages.store_flags(
            tx, account, target, copied.target, FlagChange.ADD, flags | DELETED, ""
        )
    )


async def places(box: BulkBox) -> list[tuple[str, int]]:
    rows = await box.store.read(
        lambda db: db.rows(
            "SELECT path, flags FROM placement JOIN mailbox USING (account_id, mailbox_id)"
            " WHERE account_id = ? ORDER BY path, flags",
            (box.alice.id,),
        )
    )
    return [(path, flags) for path, flags in rows]


async def run(box: BulkBox, action: dict[str, Any]) -> dict[str, Any]:
    made = await box.order(emailIds=["M1"], action=action)
    await box.work()
    return await box.operation(made["id"])


@pytest.mark.parametrize("kind", ["move", "addMailbox"])
async def test_a_hidden_copy_in_the_target_is_none(box: BulkBox, kind: str) -> None:
    await box.append()
    await hidden_copy(box, "Archive")
    name = "toMailboxId" if kind == "move" else "mailboxId"
    before = await places(box)
    done = await run(box, {"type": kind, name: await box.id_of("Archive")})
    assert done["status"] == "done"
    left = [] if kind == "move" else [("INBOX", 0)]
    assert await places(box) == [("Archive", 0), ("Archive", SEEN | DELETED), *left]
    await box.change(done["id"], undo=True)
    await box.work()
    assert await places(box) == before
    await box.check()


async def test_the_last_shown_place_stays(box: BulkBox) -> None:
    await box.append()
    await hidden_copy(box, "Archive")
    done = await run(box, {"type": "removeMailbox", "mailboxId": await box.id_of("INBOX")})
    assert (done["status"], done["failures"][0]["type"]) == ("doneWithProblems", "lastMailbox")


async def test_from_where_it_is_hidden_it_is_not_moved(box: BulkBox) -> None:
    await box.append()
    await hidden_copy(box, "Archive")
    archive, trash = await box.id_of("Archive"), await box.id_of("Trash")
    done = await run(box, {"type": "move", "toMailboxId": trash, "fromMailboxId": archive})
    assert done["failures"][0]["type"] == "changedSince"


@pytest.mark.parametrize("kind", ["move", "destroy", "setKeywords"])
async def test_undo_where_one_mailbox_has_both(box: BulkBox, kind: str) -> None:
    """The one that is shown comes back as it was, the hidden one stays hidden."""
    await box.append()
    await hidden_copy(box, "INBOX")
    before = await places(box)
    assert before == [("INBOX", 0), ("INBOX", SEEN | DELETED)]
    more: dict[str, dict[str, Any]] = {
        "move": {"toMailboxId": await box.id_of("Trash")},
        "destroy": {},
        "setKeywords": {"keywords": {"$flagged": True}},
    }
    done = await run(box, {"type": kind} | more[kind])
    assert done["status"] == "done"
    assert await places(box) != before
    await box.change(done["id"], undo=True)
    await box.work()
    shown = [one for one in await places(box) if not one[1] & DELETED]
    assert shown == [("INBOX", 0)]
    if kind != "destroy":  # of two in one mailbox that went, the one that was shown comes back
        assert await places(box) == before
    await box.check()


async def test_who_moves_elsewhere_does_not_read(box: BulkBox) -> None:
    """The flags of the hidden copy are not those of the message."""
    await box.append()
    await hidden_copy(box, "Archive")
    await run(box, {"type": "move", "toMailboxId": await box.id_of("Trash")})
    assert await places(box) == [("Archive", SEEN | DELETED), ("Trash", 0)]


@pytest.mark.parametrize("kind", ["removeMailbox", "destroy"])
async def test_undo_where_each_mailbox_had_flags_of_its_own(box: BulkBox, kind: str) -> None:
    """What is left of the message was not touched, so what went comes back with its flags."""
    await box.append()
    archive = await box.mailbox("Archive")
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [Uid(1)], archive.id)
    )
    await box.flag([Uid(1)], FlagChange.ADD, Flag.SEEN)
    before = await places(box)
    assert before == [("Archive", 0), ("INBOX", SEEN)]
    name = "mailboxId" if kind == "removeMailbox" else "fromMailboxId"
    done = await run(box, {"type": kind, name: await box.id_of("INBOX")})
    assert await places(box) == [("Archive", 0)]
    await box.change(done["id"], undo=True)
    await box.work()
    assert await places(box) == before


@pytest.mark.parametrize("kind", ["removeMailbox", "setKeywords"])
async def test_undo_where_a_mailbox_has_a_message_twice(box: BulkBox, kind: str) -> None:
    """IMAP copied it to where it was: what JMAP shows is as it was."""
    await box.append()
    archive = await box.mailbox("Archive")
    for target in (box.inbox.id, archive.id):
        await box.store.write(
            lambda tx, to=target: messages.copy(  # type: ignore[misc]
                tx, box.alice.id, box.inbox.id, [Uid(1)], to
            )
        )
    await box.flag([Uid(1)], FlagChange.ADD, Flag.ANSWERED)
    given = {
        "removeMailbox": {"mailboxId": await box.id_of("Archive")},
        "setKeywords": {"keywords": {"$flagged": True}},
    }
    before = (await box.call("Email/get", ids=["M1"], properties=["keywords", "mailboxIds"]))[
        "list"
    ]
    assert before[0]["keywords"] == {"$answered": True}
    done = await run(box, {"type": kind, **given[kind]})
    await box.change(done["id"], undo=True)
    await box.work()
    after = await box.call("Email/get", ids=["M1"], properties=["keywords", "mailboxIds"])
    assert after["list"] == before
