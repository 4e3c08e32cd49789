"""What IMAP's commands do is seen by JMAP, and the other way round; ids are the same (RFC 8474)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.imap_desk import Desk
from support.jmap_bench import JmapBox
from support.store_box import letter


class Both(Desk, JmapBox):
    """One store at which IMAP and JMAP speak."""


@asynccontextmanager
async def both(folder: Path) -> AsyncIterator[Both]:
    async with Both(folder) as desk:
        await desk.select()
        yield desk


async def shown(desk: Both) -> dict[str, Any]:
    """JMAP's mailboxes by name."""
    answer = await desk.call("Mailbox/get", ids=None)
    return {one["name"]: one for one in answer["list"]}


async def status(desk: Both, name: str) -> tuple[str, int, int]:
    """IMAP's id of a mailbox, its messages, and the unseen ones."""
    answer = await desk.say(f"STATUS {name} (MESSAGES UNSEEN MAILBOXID)")
    (values,) = answer.named("STATUS")
    told = dict(zip(values[1][::2], values[1][1::2], strict=True))
    return told[b"MAILBOXID"][0].decode(), int(told[b"MESSAGES"]), int(told[b"UNSEEN"])


async def check(desk: Both) -> None:
    """Both show the same mailboxes, ids and counts."""
    listed = [values[-1].decode() for values in (await desk.say('LIST "" *')).named("LIST")]
    answer = await desk.call("Mailbox/get", ids=None)
    assert len(listed) == len(answer["list"])
    by_id = {one["id"]: one for one in answer["list"]}
    for path in listed:
        own, messages, unseen = await status(desk, f'"{path}"')
        one = by_id[own]
        name, parent = path.rpartition("/")[2], one["parentId"]
        assert one["name"] == (name if path != "INBOX" else "Inbox")
        assert (one["totalEmails"], one["unreadEmails"]) == (messages, unseen)
        above = path.rpartition("/")[0]
        assert parent == ((await status(desk, f'"{above}"'))[0] if above else None)


async def test_imap_changes_and_jmap_hears_of_it(tmp_path: Path) -> None:
    async with both(tmp_path) as desk:
        state = (await desk.call("Mailbox/get", ids=[]))["state"]
        for command in (
            "CREATE Work/Plans",
            "SUBSCRIBE Work/Plans",
            "RENAME Work Job",
            "DELETE Archive",
            "UNSUBSCRIBE Sent",
        ):
            assert (await desk.say(command)).ok, command
        before = await shown(desk)
        told = await desk.call("Mailbox/changes", sinceState=state)
        assert set(told["created"]) == {before["Job"]["id"], before["Plans"]["id"]}
        assert told["updated"] == [before["Sent"]["id"]]
        assert len(told["destroyed"]) == 1 and "Archive" not in before
        assert before["Sent"]["isSubscribed"] is False
        assert before["Plans"]["isSubscribed"] is False  # IMAP's subscription kept the old name
        await check(desk)


async def test_messages_marked_moved_and_expunged_by_imap(tmp_path: Path) -> None:
    async with both(tmp_path) as desk:
        for subject in ("One", "Other"):
            await desk.append(letter(subject))
        await desk.select()
        fetched = (await desk.say("FETCH 1:2 (EMAILID THREADID)")).fetched
        emails = [fetched[number]["EMAILID"][0].decode() for number in (1, 2)]
        threads = [fetched[number]["THREADID"][0].decode() for number in (1, 2)]
        answer = await desk.call("Thread/get", ids=threads)
        assert [one["emailIds"] for one in answer["list"]] == [[email] for email in emails]
        state = answer["state"]
        assert (await desk.say("STORE 1 +FLAGS (\\Seen)")).ok
        assert (await shown(desk))["Inbox"]["unreadEmails"] == 1
        assert (await desk.say("MOVE 1 Trash")).ok
        assert (await desk.say("STORE 1 +FLAGS (\\Deleted)")).ok
        assert (await desk.say("EXPUNGE")).ok
        told = await desk.call("Email/changes", sinceState=state)
        assert (told["updated"], told["destroyed"]) == ([emails[0]], [emails[1]])
        told = await desk.call("Thread/changes", sinceState=state)
        assert (told["updated"], told["destroyed"]) == ([], [threads[1]])
        await check(desk)


async def test_jmap_changes_and_imap_sees_it(tmp_path: Path) -> None:
    async with both(tmp_path) as desk:
        made = await desk.call(
            "Mailbox/set",
            create={
                "a": {"name": "Läden"},
                "b": {"name": "Im Ort", "parentId": "#a", "isSubscribed": False},
            },
        )
        first, second = (made["created"][name]["id"] for name in "ab")
        desk.ctx.enabled.add("IMAP4REV2")
        assert (await status(desk, '"Läden/Im Ort"'))[0] == second
        await check(desk)
        listed = (await desk.say('LSUB "" *')).lines
        assert any("Läden" in line or "L&AOQ-den" in line for line in listed)
        assert not any("Im Ort" in line for line in listed)
        await desk.call("Mailbox/set", update={second: {"parentId": None}})
        await desk.call("Mailbox/set", destroy=[first])
        assert (await status(desk, '"Im Ort"'))[0] == second
        assert not (await desk.say('STATUS "Läden" (MESSAGES)')).ok
        await check(desk)
