r"""What IMAP flags \Deleted is not there for JMAP, and comes back with the flag's end (§4.1.1)."""

from __future__ import annotations

from typing import Any

from pillarbox.ids import Uid
from pillarbox.jmap.ids import email_id, mailbox_id, thread_id
from pillarbox.jmap.mailbox_view import COUNTS
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages
from support.jmap_bench import JmapBox
from support.store_box import letter


async def mark(box: JmapBox, *uids: Uid) -> None:
    """STORE +FLAGS."""
    await box.flag(list(uids), FlagChange.ADD, int(Flag.DELETED))


async def unmark(box: JmapBox, *uids: Uid) -> None:
    """STORE -FLAGS."""
    await box.flag(list(uids), FlagChange.REMOVE, int(Flag.DELETED))


async def counts(box: JmapBox, name: str) -> list[int]:
    """Of a mailbox: messages, unread ones, threads, unread ones."""
    answer = await box.call("Mailbox/get", ids=None)
    (found,) = [one for one in answer["list"] if one["name"] == name]
    return [found[count] for count in COUNTS]


async def listed(box: JmapBox, **more: Any) -> list[str]:
    """Email/query."""
    answer = await box.call("Email/query", **more)
    found: list[str] = answer["ids"]
    return found


async def test_it_is_nowhere(box: JmapBox) -> None:
    stays = await box.append(letter("One"))
    goes = await box.append(letter("Two"))
    inbox = {"inMailbox": mailbox_id(box.inbox.id)}
    email, thread = email_id(goes.message), thread_id(goes.thread)
    assert await counts(box, "Inbox") == [2, 2, 2, 2]
    await mark(box, goes.uid)
    assert await counts(box, "Inbox") == [1, 1, 1, 1]
    assert (await box.call("Email/get", ids=[email]))["notFound"] == [email]
    assert (await box.call("Thread/get", ids=[thread]))["notFound"] == [thread]
    every = (await box.call("Email/get", ids=None, properties=["id"]))["list"]
    assert [one["id"] for one in every] == [email_id(stays.message)]
    for wanted in (None, inbox, {"text": "Two"}, {"notKeyword": "$seen"}, {"minSize": 1}):
        assert email not in await listed(box, filter=wanted)
    assert await listed(box, filter=inbox, collapseThreads=True) == [email_id(stays.message)]
    for change in ({"update": {email: {"keywords/$seen": True}}}, {"destroy": [email]}):
        answer = await box.call("Email/set", **change)
        refused = answer["notUpdated"] or answer["notDestroyed"]
        assert refused[email]["type"] == "notFound"
    assert len(await box.placed()) == 2  # and IMAP has it still
    await unmark(box, goes.uid)
    assert await counts(box, "Inbox") == [2, 2, 2, 2]
    assert (await box.call("Email/get", ids=[email]))["notFound"] == []


async def test_it_goes_and_comes_for_who_follows_changes(box: JmapBox) -> None:
    one = await box.append()
    email, thread = email_id(one.message), thread_id(one.thread)
    query = {"filter": {"inMailbox": mailbox_id(box.inbox.id)}}
    state = (await box.call("Email/query", **query))["queryState"]
    await mark(box, one.uid)
    told = await box.call("Email/changes", sinceState=state)
    assert (told["created"], told["updated"], told["destroyed"]) == ([], [], [email])
    told = await box.call("Thread/changes", sinceState=state)
    assert told["destroyed"] == [thread]
    told = await box.call("Mailbox/changes", sinceState=state)
    assert told["updated"] == [mailbox_id(box.inbox.id)]
    told = await box.call("Email/queryChanges", sinceQueryState=state, **query)
    assert (told["removed"], told["added"]) == ([email], [])
    state = told["newQueryState"]
    await unmark(box, one.uid)
    told = await box.call("Email/changes", sinceState=state)
    assert (told["created"], told["updated"], told["destroyed"]) == ([email], [], [])
    told = await box.call("Thread/changes", sinceState=state)
    assert told["created"] == [thread]
    told = await box.call("Email/queryChanges", sinceQueryState=state, **query)
    assert told["added"] == [{"id": email, "index": 0}]
    state = told["newQueryState"]
    await mark(box, one.uid)
    await box.store.write(lambda tx: messages.expunge(tx, box.alice.id, box.inbox.id))
    told = await box.call("Email/changes", sinceState=state)
    assert (told["created"], told["updated"], told["destroyed"]) == ([], [], [email])


async def test_its_end_is_told_in_parts_though_it_is_copied_later(box: JmapBox) -> None:
    one = await box.append()
    other = await box.create("Other")
    email, thread = email_id(one.message), thread_id(one.thread)
    state = (await box.call("Email/query"))["queryState"]
    await mark(box, one.uid)
    await box.append(letter("Between"))
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [one.uid], other.id)
    )
    for kind, gone in (("Email", email), ("Thread", thread)):
        destroyed, since, more = [], state, True
        while more:
            told = await box.call(f"{kind}/changes", sinceState=since, maxChanges=1)
            destroyed += told["destroyed"]
            since, more = told["newState"], told["hasMoreChanges"]
        assert destroyed == [gone]


async def test_another_place_keeps_it(box: JmapBox) -> None:
    one = await box.append()
    other = await box.create("Other")
    await box.store.write(
        lambda tx: messages.copy(tx, box.alice.id, box.inbox.id, [one.uid], other.id)
    )
    state = (await box.call("Email/query"))["queryState"]
    await mark(box, one.uid)
    email = email_id(one.message)
    (told,) = (await box.call("Email/get", ids=[email], properties=["mailboxIds"]))["list"]
    assert told["mailboxIds"] == {mailbox_id(other.id): True}
    changes = await box.call("Email/changes", sinceState=state)
    assert (changes["updated"], changes["destroyed"]) == ([email], [])
    assert (await counts(box, "Inbox"), await counts(box, "Other")) == ([0] * 4, [1] * 4)
    # Changed over JMAP, what IMAP is about to delete stays as it is.
    patch = {"keywords/$seen": True, f"mailboxIds/{mailbox_id(box.inbox.id)}": True}
    assert (await box.call("Email/set", update={email: patch}))["updated"] == {email: None}
    flags = sorted(int(place.flags) for place in await box.placed())
    assert flags == [int(Flag.SEEN), int(Flag.DELETED)]
    assert await counts(box, "Inbox") == [1, 0, 1, 0]
    # Destroyed, it leaves nothing behind.
    assert (await box.call("Email/set", destroy=[email]))["destroyed"] == [email]
    assert await box.placed() == []
    assert not (await box.store.verify()).problems


async def test_a_mailbox_of_such_mail_is_empty(box: JmapBox) -> None:
    other = await box.create("Other")
    await box.append(mailbox=other.id, flags=int(Flag.DELETED))
    assert await counts(box, "Other") == [0, 0, 0, 0]
    gone = mailbox_id(other.id)
    assert (await box.call("Mailbox/set", destroy=[gone]))["destroyed"] == [gone]


async def test_its_octets_cannot_be_had(box: JmapBox) -> None:
    one = await box.append()
    await mark(box, one.uid)
    answer = await box.call("Email/parse", blobIds=[f"B{one.message}"])
    assert answer["notFound"] == [f"B{one.message}"]


async def test_drafts_and_hidden_mail_are_not_subtracted_twice(box: JmapBox) -> None:
    flags = (0, Flag.DRAFT, Flag.DELETED, Flag.DRAFT | Flag.DELETED, Flag.SEEN | Flag.DELETED)
    for number, one in enumerate(flags):
        await box.append(letter(f"Letter {number}"), flags=int(one))
    assert await counts(box, "Inbox") == [2, 1, 2, 1]
