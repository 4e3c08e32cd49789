"""Mailboxes of which only the number of messages is known at first (ADR 0018)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.ids import Uid
from pillarbox.imap.server.commands import expunge, store
from pillarbox.imap.server.untagged import refresh
from pillarbox.imap.server.view import View
from pillarbox.store.model import Flag, FlagChange
from pillarbox.store.sql import messages
from support.costs import counted
from support.imap_client import Answer
from support.imap_desk import Desk
from support.large_mailbox import grow, remove_every

COUNT = 3_000  # more than are read at SELECT, and more than are read at once


class Large(Desk):
    """A desk whose INBOX is large; every tenth message of the first half is gone."""

    async def open(self) -> None:
        await super().open()
        await grow(self.store, self.alice.id, self.inbox.id, COUNT)
        await remove_every(self.store, self.alice.id, self.inbox.id, 10, COUNT // 2)
        await self.select()

    async def enter(self, *enabled: str) -> Answer:
        self.ctx.enabled.update(enabled)
        self.ctx.leave()
        self.pictures.__init__()  # type: ignore[misc]  # nobody has read it yet
        return await self.say("SELECT INBOX")

    @property
    def view(self) -> View:
        assert self.ctx.view is not None
        return self.ctx.view

    async def news(self) -> bytes:
        self.link.octets.clear()
        await refresh(self.ctx, tell_expunged=True)
        return bytes(self.link.octets)

    async def mark(self, uids: list[int], flag: Flag, change: FlagChange = FlagChange.ADD) -> None:
        """Behind the selected session's back."""
        wanted = [Uid(uid) for uid in uids]
        await self.store.write(
            lambda tx: messages.store_flags(
                tx, self.alice.id, self.inbox.id, wanted, change, int(flag)
            )
        )


LEFT = COUNT - COUNT // 20


async def _nothing_is_read(desk: Large) -> None:
    assert (len(desk.view), desk.view.below) == (LEFT, LEFT)
    await desk.append()
    assert b"* %d EXISTS\r\n" % (LEFT + 1) in await desk.news()
    assert (len(desk.view), desk.view.below) == (LEFT + 1, LEFT)
    answer = await desk.say(f"FETCH {LEFT + 1} (UID)")
    assert answer.lines == [f"* {LEFT + 1} FETCH (UID {COUNT + 1})"]
    assert desk.view.below == LEFT


async def _the_newest(desk: Large) -> None:
    answer = await desk.say(f"FETCH {LEFT - 2}:* (UID)")
    assert answer.lines == [f"* {LEFT - n} FETCH (UID {COUNT - n})" for n in (2, 1, 0)]
    assert desk.view.below == LEFT - 3
    answer = await desk.say(f"UID FETCH {COUNT - 9}:{COUNT - 8},* (UID)")
    assert answer.lines == [f"* {LEFT - n} FETCH (UID {COUNT - n})" for n in (9, 8, 0)]
    assert desk.view.below == LEFT - 10


async def _the_oldest(desk: Large) -> None:
    answer = await desk.say("UID FETCH 9:12 (UID)")
    assert answer.lines == [f"* {n} FETCH (UID {u})" for n, u in ((9, 9), (10, 11), (11, 12))]
    assert desk.view.below == 0
    assert (await desk.say(f"FETCH {LEFT} (UID)")).lines == [f"* {LEFT} FETCH (UID {COUNT})"]
    found = (await desk.say("SEARCH UID 11,3000")).lines
    assert found == [f"* SEARCH 10 {LEFT}"]


async def _changed_meanwhile(desk: Large) -> None:
    """Whoever knows flags from an earlier session hears of those that changed since SELECT."""
    await desk.mark([5, 7], Flag.FLAGGED)
    answer = await desk.say("UID FETCH 7 (FLAGS)")
    told = [f"* {n} FETCH (FLAGS (\\Seen \\Flagged))" for n in (5, 7)]
    assert answer.lines[:2] == told
    assert await desk.news() == b""


async def _changed_and_told(desk: Large) -> None:
    """A change needs a number, so what lies below is read for it."""
    await desk.mark([COUNT - 3], Flag.FLAGGED)
    assert await desk.news() == b"* %d FETCH (FLAGS (\\Seen \\Flagged))\r\n" % (LEFT - 3)
    assert desk.view.below == LEFT - 4
    await desk.expunge([Uid(1), Uid(COUNT - 3)])
    assert await desk.news() == b"* %d EXPUNGE\r\n* 1 EXPUNGE\r\n" % (LEFT - 3)
    assert (len(desk.view), desk.view.below) == (LEFT - 2, 0)


async def _gone_meanwhile(desk: Large) -> None:
    """It keeps its number until it is told."""
    await desk.expunge([Uid(3)])
    answer = await desk.say("FETCH 2:4 (UID RFC822.SIZE)")
    assert [line.split(" RFC")[0] for line in answer.lines] == [
        f"* {n} FETCH (UID {n}" for n in (2, 3, 4)
    ]
    assert len({line.split("SIZE")[1] for line in answer.lines}) == 1
    assert await desk.news() == b"* 3 EXPUNGE\r\n"
    assert (await desk.say("FETCH 3 (UID)")).lines == ["* 3 FETCH (UID 4)"]


async def _slept_too_long(desk: Large) -> None:
    await desk.expunge([Uid(3)])
    forget = "UPDATE mailbox SET pruned_modseq = modseq"
    await desk.store.write(lambda tx: tx.run(forget))
    answer = await desk.say("FETCH 1 (UID)")
    assert (answer.kind, answer.lines) == ("NO", [])
    assert desk.view.gone
    assert desk.ctx.stale


async def _first_unseen(desk: Large) -> None:
    def told(answer: Answer) -> list[str]:
        return [line for line in answer.lines if "UNSEEN" in line]

    assert told(await desk.enter()) == []
    await desk.mark([COUNT - 1, COUNT - 90], Flag.SEEN, FlagChange.REMOVE)
    assert f"[UNSEEN {LEFT - 90}]" in told(await desk.enter())[0]
    await desk.mark([COUNT // 2 + 1], Flag.SEEN, FlagChange.REMOVE)
    assert told(await desk.enter()) == []  # too far from either end to be looked for
    await desk.mark([12], Flag.SEEN, FlagChange.REMOVE)
    assert "[UNSEEN 11]" in told(await desk.enter())[0]


async def _resynchronized(desk: Large) -> None:
    """QRESYNC reads as far down as the changes go."""
    modseq = desk.view.modseq
    desk.ctx.leave()
    await desk.mark([COUNT - 4], Flag.FLAGGED)
    await desk.expunge([Uid(2)])
    desk.ctx.enabled.add("QRESYNC")
    inbox = await desk.mailbox("INBOX")
    answer = await desk.say(f"SELECT INBOX (QRESYNC ({inbox.uid_validity} {modseq}))")
    assert "* VANISHED (EARLIER) 2" in answer.lines
    assert list(answer.fetched) == [LEFT - 5]
    assert desk.view.below == LEFT - 1 - 5


async def _searched(desk: Large) -> None:
    """A search reads the UIDs of what is only counted, once, and nothing else of it."""
    with counted() as costs:
        assert (await desk.say("SEARCH UID 11,3000")).lines == [f"* SEARCH 10 {LEFT}"]
        asked = costs.statements["SELECT placement"]
        assert (await desk.say("UID SEARCH 10:11")).lines == ["* SEARCH 11 12"]
        assert costs.statements["SELECT placement"] == asked + 1
    assert desk.view.below == LEFT
    await desk.append()
    await desk.news()
    assert (await desk.say("SEARCH UID 12,3001")).lines == [f"* SEARCH 11 {LEFT + 1}"]
    assert desk.view.below == LEFT


async def _searched_and_read(desk: Large) -> None:
    """What is read later takes its UIDs out of those that are only counted."""
    everything = (await desk.say("UID SEARCH ALL")).lines
    for command, below in (
        (f"FETCH {LEFT - 9}:* (UID)", LEFT - 10),
        ("UID FETCH 2500 (UID)", 2500 - 1 - COUNT // 20),
        ("FETCH 1 (UID)", 0),
    ):
        await desk.say(command)
        assert desk.view.below == below
        assert (await desk.say("UID SEARCH ALL")).lines == everything
        assert (await desk.say("SEARCH ALL")).lines == [
            "* SEARCH " + " ".join(str(n) for n in range(1, LEFT + 1))
        ]


async def _searched_and_told(desk: Large) -> None:
    """One that went from below keeps its number in searches until it is told."""
    await desk.say("SEARCH UID 11")
    await desk.expunge([Uid(3), Uid(COUNT)])
    assert (await desk.say("SEARCH UID 2:4")).lines == ["* SEARCH 2 4"]
    assert b"* 3 EXPUNGE\r\n" in await desk.news()
    assert (await desk.say("SEARCH UID 2:4")).lines == ["* SEARCH 2 3"]
    assert (await desk.say(f"UID SEARCH {LEFT - 2}")).lines == [f"* SEARCH {COUNT - 1}"]


async def _searched_behind_changes(desk: Large) -> None:
    """Where the mailbox is no more what the client knows, all of it is read as the client knew."""
    await desk.mark([5], Flag.FLAGGED)
    await desk.expunge([Uid(3)])
    answer = await desk.say("SEARCH UID 2:5")
    assert answer.lines == ["* 5 FETCH (FLAGS (\\Seen \\Flagged))", "* SEARCH 2 4 5"]
    assert desk.view.below == 0


async def _searched_and_deleted(desk: Large) -> None:
    """Nothing is found in a mailbox that is known to be gone, known as it may be."""
    await desk.say("SEARCH UID 11")
    desk.view.gone = True
    assert (await desk.say("SEARCH UID 11")).kind == "NO"


async def _highest_modseq(desk: Large) -> None:
    """It is told of what is found, so that is read."""
    (line,) = (await desk.say("SEARCH UID 1:2 MODSEQ 1")).lines[-1:]
    assert line.startswith("* SEARCH 1 2 (MODSEQ ")
    assert desk.view.below == 0


@pytest.mark.parametrize(
    "test",
    [
        _nothing_is_read,
        _the_newest,
        _the_oldest,
        _changed_meanwhile,
        _changed_and_told,
        _gone_meanwhile,
        _slept_too_long,
        _first_unseen,
        _resynchronized,
        _searched,
        _searched_and_read,
        _searched_and_told,
        _searched_behind_changes,
        _searched_and_deleted,
        _highest_modseq,
    ],
)
def test_large(test: Callable[[Large], Awaitable[None]], tmp_path: Path) -> None:
    async def play() -> None:
        async with Large(tmp_path) as desk:
            await desk.enter()
            await test(desk)

    asyncio.run(play())


def test_sessions_share_what_one_of_them_has_read(tmp_path: Path) -> None:
    async def play() -> None:
        async with Large(tmp_path) as one:
            await one.enter()
            twin = Desk(tmp_path)
            twin.store, twin.alice, twin.inbox = one.store, one.alice, one.inbox
            twin.pictures = one.pictures
            await twin.select()
            assert (await twin.say("SELECT INBOX")).ok
            assert twin.ctx.view is not None
            assert twin.ctx.view.picture is one.view.picture
            await one.say("SEARCH UID 1")
            assert twin.ctx.view.uids_below is one.view.uids_below is not None
            await one.say("FETCH 1 (UID)")
            assert (one.view.below, twin.ctx.view.below) == (0, LEFT)
            await twin.say("FETCH 2 (UID)")
            assert twin.ctx.view.picture is one.view.picture

    asyncio.run(play())


def test_many_are_marked_and_expunged_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody waits long for the commit; what is told is the same."""
    monkeypatch.setattr(store, "_CHANGED_AT_ONCE", 700)
    monkeypatch.setattr(expunge, "EXPUNGED_AT_ONCE", 700)

    async def play() -> None:
        async with Large(tmp_path) as desk:
            await desk.enter()
            before = desk.view.modseq
            answer = await desk.say("STORE 1:2000 +FLAGS (\\Deleted)")
            assert list(answer.fetched) == list(range(1, 2001))
            await desk.news()
            assert desk.view.modseq == before + 3
            answer = await desk.say(f"UID EXPUNGE 1:{COUNT // 2}")
            assert answer.numbered("EXPUNGE") == [*range(COUNT // 2 - COUNT // 20, 0, -1)]
            assert desk.view.modseq == before + 5
            assert (await desk.say("EXPUNGE")).ok
            assert (await desk.mailbox("INBOX")).messages == len(desk.view) == LEFT - 2000
            assert (await desk.mailbox("INBOX")).deleted == 0
            assert (await desk.say("STORE 1:* +FLAGS.SILENT (\\Deleted)")).ok
            assert (await desk.say("CLOSE")).ok
            assert (await desk.mailbox("INBOX")).messages == 0
            report = await desk.store.verify()
            assert report.problems == []

    asyncio.run(play())
