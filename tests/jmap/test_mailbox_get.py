"""Mailbox/get and /changes, Thread/get and /changes (RFC 8621 §2, §3)."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.ids import ModSeq, Uid
from pillarbox.jmap.ids import email_id, mailbox_id, thread_id
from pillarbox.jmap.methods import mailbox_get
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import mailboxes, messages
from support.email_oracle import Post
from support.jmap_bench import JmapBox
from support.store_box import letter

COUNTS = ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"]


async def counts(box: JmapBox, path: str) -> list[int]:
    """Emails, unread ones, threads, unread ones."""
    asked = mailbox_id((await box.mailbox(path)).id)
    answer = await box.call("Mailbox/get", ids=[asked], properties=COUNTS)
    (record,) = answer["list"]
    assert list(record) == ["id", *COUNTS]
    return [record[name] for name in COUNTS]


async def state(box: JmapBox, kind: str = "Mailbox") -> str:
    told = (await box.call(f"{kind}/get", ids=[]))["state"]
    assert isinstance(told, str)
    return told


def fates(answer: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    return answer["created"], answer["updated"], answer["destroyed"]


async def test_a_new_account(box: JmapBox) -> None:
    answer = await box.call("Mailbox/get", ids=None)
    shown = {one["name"]: one for one in answer["list"]}
    assert {name: one["role"] for name, one in shown.items()} == {
        "Inbox": "inbox",
        "Archive": "archive",
        "Drafts": "drafts",
        "Junk": "junk",
        "Sent": "sent",
        "Trash": "trash",
    }
    assert min(shown.values(), key=lambda one: int(one["sortOrder"]))["name"] == "Inbox"
    assert all(one["isSubscribed"] and one["parentId"] is None for one in shown.values())
    assert shown["Inbox"]["id"] == mailbox_id(box.inbox.id)
    inbox_rights = shown["Inbox"]["myRights"]
    assert {name for name, may in inbox_rights.items() if not may} == {"mayRename", "mayDelete"}
    assert all(shown["Sent"]["myRights"].values()) and len(inbox_rights) == 9
    assert answer["state"] == str((await box.account()).modseq)


async def test_some_and_unknown(box: JmapBox) -> None:
    own = mailbox_id(box.inbox.id)
    answer = await box.call("Mailbox/get", ids=[own, "F99", "x", own], properties=["name"])
    assert answer["list"] == [{"id": own, "name": "Inbox"}]
    assert answer["notFound"] == ["F99", "x"]
    refused = await box.call("Mailbox/get", ids=None, properties=["colour"])
    assert refused["type"] == "invalidArguments"


async def test_a_level_that_holds_no_mail(box: JmapBox) -> None:
    inner = await box.create("Work/Plans")
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Work"))
    level = mailbox_id(await _level(box, "Work"))
    answer = await box.call("Mailbox/get", ids=[mailbox_id(inner.id), level])
    assert answer["list"][0]["parentId"] == answer["list"][1]["id"]
    may = answer["list"][1]["myRights"]
    assert not may["mayReadItems"] and not may["mayAddItems"] and may["mayRename"]


async def _level(box: JmapBox, path: str) -> Any:
    return (await box.mailbox(path)).id


async def test_drafts_are_not_unread(box: JmapBox) -> None:
    drafts = await box.mailbox("Drafts")
    await box.append(letter("One"), drafts.id, flags=int(Flag.DRAFT))
    await box.append(letter("Two"), drafts.id)
    assert await counts(box, "Drafts") == [2, 1, 2, 1]


async def test_the_example_of_the_rfc(box: JmapBox) -> None:
    """An unread message in the trash, a read one of its thread in the inbox (§2)."""
    trash = await box.mailbox("Trash")
    first = await box.append(letter(Message_ID="<1@a>"), flags=int(Flag.SEEN))
    second = await box.append(letter("Re: Hello", Message_ID="<2@a>", In_Reply_To="<1@a>"))
    assert first.thread == second.thread
    assert await counts(box, "INBOX") == [2, 1, 1, 1]
    await box.store.write(
        lambda tx: messages.move(tx, box.alice.id, box.inbox.id, [second.uid], trash.id)
    )
    assert await counts(box, "INBOX") == [1, 0, 1, 0]
    assert await counts(box, "Trash") == [1, 1, 1, 1]


async def test_an_unread_message_elsewhere_makes_the_thread_unread(box: JmapBox) -> None:
    archive = await box.mailbox("Archive")
    await box.append(letter(Message_ID="<1@a>"), flags=int(Flag.SEEN))
    reply = letter("Re: Hello", Message_ID="<2@a>", In_Reply_To="<1@a>")
    await box.append(reply, archive.id)
    assert await counts(box, "INBOX") == [1, 0, 1, 1]
    assert await counts(box, "Archive") == [1, 1, 1, 1]


async def test_counts_of_many(box: JmapBox) -> None:
    for thread in range(5):
        for number in range(3):
            fields = {"Message_ID": f"<{thread}.{number}@a>", "In_Reply_To": f"<{thread}@a>"}
            await box.append(
                letter(f"Re: Plan {thread}", **fields), flags=int(Flag.SEEN) if thread < 2 else 0
            )
    assert await counts(box, "INBOX") == [15, 9, 5, 3]


@pytest.mark.parametrize("seed", range(4))
async def test_threads_of_large_mailboxes_are_counted_the_same(
    box: JmapBox, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what is kept of them, and from the rows; some mailboxes this way, some that."""
    post = Post(box, seed)
    await post.begin()
    for step in range(60):
        await (post.receive() if step < 20 else post.change())
        told = []
        for many in (1_000_000, 5, 0):
            monkeypatch.setattr(mailbox_get, "_MANY", many)
            told.append((await box.call("Mailbox/get", properties=COUNTS))["list"])
        assert told[0] == told[1] == told[2], step


async def test_what_imap_does_is_counted(box: JmapBox) -> None:
    """Through the functions that the IMAP server calls."""
    uids = await box.fill(3)
    before = await state(box)
    await box.flag(uids[:1], FlagChange.ADD, int(Flag.SEEN))
    answer = await box.call("Mailbox/changes", sinceState=before)
    assert fates(answer) == ([], [mailbox_id(box.inbox.id)], [])
    assert answer["updatedProperties"] == COUNTS
    assert (answer["oldState"], answer["newState"]) == (before, await state(box))
    assert await counts(box, "INBOX") == [3, 2, 3, 2]


async def test_changes_of_mailboxes(box: JmapBox) -> None:
    old = await box.create("Old")
    before = await state(box)
    made = await box.create("New")
    moved = await box.create("Gone again")
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Old"))
    await box.store.write(lambda tx: mailboxes.delete(tx, box.alice.id, "Gone again"))
    await box.store.write(lambda tx: mailboxes.unsubscribe(tx, box.alice.id, "Sent"))
    await box.append()
    sent = await box.mailbox("Sent")
    answer = await box.call("Mailbox/changes", sinceState=before)
    assert answer["created"] == [mailbox_id(made.id)]
    assert answer["updated"] == [mailbox_id(sent.id), mailbox_id(box.inbox.id)]
    assert answer["destroyed"] == [mailbox_id(old.id)]  # and not what came and went
    assert moved.id not in answer["destroyed"]
    assert answer["updatedProperties"] is None


async def test_a_rename_is_no_change_of_counts_and_children_stay(box: JmapBox) -> None:
    parent = await box.create("Work")
    child = await box.create("Work/Plans")
    before = await state(box)
    await box.store.write(lambda tx: mailboxes.rename(tx, box.alice.id, "Work", "Job"))
    answer = await box.call("Mailbox/changes", sinceState=before)
    assert set(answer["updated"]) == {mailbox_id(parent.id), mailbox_id(child.id)}
    assert answer["updatedProperties"] is None
    shown = await box.call("Mailbox/get", ids=[mailbox_id(child.id)])
    assert (shown["list"][0]["name"], shown["list"][0]["parentId"]) == (
        "Plans",
        mailbox_id(parent.id),
    )


async def test_a_thread_read_elsewhere_changes_the_counts_here(box: JmapBox) -> None:
    archive = await box.mailbox("Archive")
    await box.append(letter(Message_ID="<1@a>"), archive.id, flags=int(Flag.SEEN))
    reply = await box.append(letter("Re: Hello", Message_ID="<2@a>", In_Reply_To="<1@a>"))
    before = await state(box)
    assert (await counts(box, "Archive"))[3] == 1
    await box.flag([reply.uid], FlagChange.ADD, int(Flag.SEEN))
    answer = await box.call("Mailbox/changes", sinceState=before)
    assert set(answer["updated"]) == {mailbox_id(archive.id), mailbox_id(box.inbox.id)}
    assert answer["updatedProperties"] == COUNTS
    assert (await counts(box, "Archive"))[3] == 0


@pytest.mark.parametrize("since", ["", "abc", "-1", "99999", "1-", "9" * 30, "1", "0"])
async def test_states_that_nobody_was_given(box: JmapBox, since: str) -> None:
    await box.append()
    await box.store.write(lambda tx: tx.run("UPDATE account SET pruned_modseq = ?", (ModSeq(5),)))
    for kind in ("Mailbox", "Thread"):
        answer = await box.call(f"{kind}/changes", sinceState=since)
        assert answer["type"] == "cannotCalculateChanges"


async def test_threads(box: JmapBox) -> None:
    late = await box.append(letter(Message_ID="<1@a>"), received_at=2000)
    early = await box.append(
        letter("Re: Hello", Message_ID="<2@a>", In_Reply_To="<1@a>"), received_at=1000
    )
    alone = await box.append(letter("Other"))
    own = thread_id(late.thread)
    answer = await box.call("Thread/get", ids=[own, "T99", thread_id(alone.thread)])
    assert answer["list"] == [
        {"id": own, "emailIds": [email_id(early.message), email_id(late.message)]},
        {"id": thread_id(alone.thread), "emailIds": [email_id(alone.message)]},
    ]
    assert answer["notFound"] == ["T99"]
    assert (await box.call("Thread/get", ids=None))["type"] == "requestTooLarge"


async def test_changes_of_threads(box: JmapBox) -> None:
    kept = await box.append(letter(Message_ID="<1@a>"))
    doomed = await box.append(letter("Other"))
    before = await state(box, "Thread")
    await box.flag([kept.uid], FlagChange.ADD, int(Flag.SEEN))
    assert fates(await box.call("Thread/changes", sinceState=before)) == ([], [], [])
    await box.append(letter("Re: Hello", Message_ID="<2@a>", In_Reply_To="<1@a>"))
    new = await box.append(letter("New"))
    await box.store.write(
        lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id, [doomed.uid], force=True)
    )
    assert fates(await box.call("Thread/changes", sinceState=before)) == (
        [thread_id(new.thread)],
        [thread_id(kept.thread)],
        [thread_id(doomed.thread)],
    )


async def test_a_message_that_is_there_twice_counts_once(box: JmapBox) -> None:
    """IMAP may copy into the mailbox where it is; an Email is in a mailbox or it is not."""
    ctx = box.context()
    box.context = lambda **_more: ctx  # type: ignore[method-assign]
    account, inbox = box.alice.id, box.inbox.id

    async def copy(uid: Uid) -> Uid:
        copied = await box.store.write(lambda tx: messages.copy(tx, account, inbox, [uid], inbox))
        return copied.target[0]

    async def counted() -> tuple[int, int]:
        [one] = (await box.call("Mailbox/get", ids=[mailbox_id(inbox)]))["list"]
        listed = await box.call(
            "Email/query", filter={"inMailbox": mailbox_id(inbox)}, calculateTotal=True
        )
        assert listed["total"] == one["totalEmails"]
        return one["totalEmails"], one["unreadEmails"]

    first, second, _ = await box.fill(3)
    assert await counted() == (3, 3)
    twin = await copy(first)
    assert await counted() == (3, 3)
    await box.flag([twin], FlagChange.ADD, Flag.SEEN)
    assert await counted() == (3, 2)
    await copy(second)
    await copy(second)
    assert await counted() == (3, 2)
    assert len(ctx.services.doubles.find(account).messages) == 2  # type: ignore[union-attr]
    await box.flag([twin], FlagChange.ADD, Flag.DELETED)
    assert await counted() == (3, 3)
    await box.store.write(
        lambda tx: messages.expunge(tx, account, inbox, [first, twin], force=True)
    )
    assert await counted() == (2, 2)
    assert len(ctx.services.doubles.find(account).messages) == 1  # type: ignore[union-attr]
