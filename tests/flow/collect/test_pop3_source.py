"""A maildrop as a Source: keys that stay, what is deleted, servers that lie and forget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.clock import SystemClock
from pillarbox.config.pop3_client import Pop3ClientLimits
from pillarbox.config.store import StoreSettings
from pillarbox.flow.collect.source import (
    Arrived,
    AtSource,
    Missed,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.flow.collect.sources.pop3 import INBOX, Pop3Source
from pillarbox.flow.collect.sources.pop3_listing import unique_keys, usable_names
from pillarbox.net.secret import Secret
from pillarbox.pop3.client.connection import Pop3Connection
from pillarbox.pop3.client.conversation import Pop3Caller
from pillarbox.sasl.client import Credentials
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Flag
from support.fake_clock import FakeClock
from support.memory_network import Faults, MemoryNetwork
from support.scripted_pop3 import Drop

HOST, PORT = "192.0.2.1", 110
DELETE = AtSource("delete")
MESSAGES = [b"Subject: %d\r\n\r\n.dot\r\nText %d\r\n" % (n, n) for n in range(6)]
NAMES = [f"uid-{n}" for n in range(6)]
OLD = {"offers": None, "answers": {"UIDL": "-ERR what?"}}  # keywords of an old server


class Rig:
    """One maildrop and a source of it."""

    def __init__(self, drop: Drop, folder: Path, *, most: int = 10**6, **limits: Any) -> None:
        self.drop = drop
        self.network = MemoryNetwork()
        self.network.listen(HOST, PORT, drop.connection)
        self.folder = folder
        self.most = most
        self.clock = FakeClock()
        self.limits = Pop3ClientLimits(**limits)
        self.source = Pop3Source(self.dial, self.clock, limits=self.limits, host="pop.example.org")

    async def dial(self) -> Pop3Connection:
        caller = Pop3Caller(
            clock=SystemClock(), limits=self.limits, connector=self.network.connector()
        )
        connection = await Pop3Connection.open(caller, HOST, PORT)
        await connection.authenticate(Credentials("a", Secret("b")), in_the_clear=True)
        return connection

    def spool(self) -> Spool:
        return Spool(self.folder, RealDisk(), StoreSettings(), self.most)

    async def list(self) -> list[RemoteMessage]:
        return list((await self.source.open(INBOX)).messages)

    async def fetch(self, messages: list[RemoteMessage]) -> dict[str, bytes | Missed]:
        found: dict[str, bytes | Missed] = {}
        async for one in self.source.fetch(messages, self.spool):
            if isinstance(one, Arrived):
                with one.spool as spool:
                    found[one.message.key] = bytes(spool.octets()[:])
            else:
                found[one.message.key] = one
        return found


def run(rig: Rig, check: Callable[[Rig], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await check(rig)
        await rig.source.close()

    asyncio.run(all_of_it())


def test_everything_comes_and_only_what_is_safe_goes(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES))

    async def check(rig: Rig) -> None:
        folder = (await rig.source.folders())[0]
        assert (folder.key, folder.path, folder.messages) == ("", "INBOX", 6)
        opened = await rig.source.open(folder)
        assert [one.key for one in opened.messages] == NAMES
        assert opened.validity == ""
        assert await rig.fetch(list(opened.messages)) == dict(zip(NAMES, MESSAGES, strict=True))
        assert await rig.source.settle(NAMES[:4], AtSource("leave")) == NAMES[:4]
        assert await rig.source.settle(NAMES[:4], AtSource("mark")) == []
        assert not drop.deleted
        assert await rig.source.settle([*NAMES[:4], "never seen"], DELETE) == NAMES[:4]
        assert [one.key for one in await rig.list()] == NAMES[4:]

    run(Rig(drop, tmp_path), check)
    assert drop.sessions == 2
    assert sorted(drop.deleted) == MESSAGES[:4]


def test_after_a_session_ended_keys_are_found_again(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES))

    async def check(rig: Rig) -> None:
        listed = await rig.list()
        assert await rig.source.settle(NAMES[:1], DELETE) == NAMES[:1]
        found = await rig.fetch(listed)
        assert isinstance(found[NAMES[0]], Missed) and found[NAMES[0]].gone
        assert found[NAMES[5]] == MESSAGES[5]

    run(Rig(drop, tmp_path), check)


def test_a_name_that_means_another_message_in_the_next_session(tmp_path: Path) -> None:
    """Some servers name messages by their place in the maildrop."""
    drop = Drop(list(MESSAGES), list(NAMES))

    async def check(rig: Rig) -> None:
        await rig.fetch(await rig.list())
        assert await rig.source.settle(NAMES[:1], DELETE) == NAMES[:1]
        drop.messages[0] = b"Subject: never read\r\n\r\nNew.\r\n"
        assert await rig.source.settle(NAMES[1:3], DELETE) == NAMES[2:3]
        assert drop.messages[0].startswith(b"Subject: never read")

    run(Rig(drop, tmp_path), check)
    assert sorted(drop.deleted) == [MESSAGES[0], MESSAGES[2]]


def test_a_cut_before_quit_deletes_nothing(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES), answers={"DELE 3": "CLOSE"})

    async def check(rig: Rig) -> None:
        await rig.list()
        with pytest.raises(SourceFailure) as caught:
            await rig.source.settle(NAMES, DELETE)
        assert caught.value.trouble == "cut"

    run(Rig(drop, tmp_path), check)
    assert not drop.deleted


def test_what_became_of_a_lost_quit_is_seen_in_the_next_list(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES), answers={"QUIT": ["CLOSE", "USUAL"]})

    async def check(rig: Rig) -> None:
        await rig.list()
        assert await rig.source.settle(NAMES, DELETE) == [], "nothing is gone, so nothing is done"

    run(Rig(drop, tmp_path), check)
    assert not drop.deleted


def test_quit_that_says_no_is_checked(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES), deletes=False)

    async def check(rig: Rig) -> None:
        await rig.list()
        assert await rig.source.settle(NAMES, DELETE) == []
        drop.messages.pop(0)  # it did delete one
        drop.names = NAMES[1:]
        await rig.source.close()
        await rig.list()
        assert await rig.source.settle(NAMES[:2], DELETE) == []

    run(Rig(drop, tmp_path), check)


def test_leaving_deletes_nothing(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES))

    async def check(rig: Rig) -> None:
        await rig.fetch(await rig.list())
        await rig.source.close()

    run(Rig(drop, tmp_path), check)
    assert not drop.deleted
    assert drop.seen[-1] == "QUIT"


def test_names_that_repeat(tmp_path: Path) -> None:
    """All of them are ordinals, and go only in the session in which they were read."""
    names = ["a", "b", "b", "c", "b", "d"]
    drop = Drop(list(MESSAGES), list(names))

    async def check(rig: Rig) -> None:
        listed = await rig.list()
        keys = [one.key for one in listed]
        assert keys == ["a", "b\t1", "b\t2", "c", "b\t3", "d"]
        assert await rig.source.settle(["b\t1"], DELETE) == [], "its content was not read"
        await rig.fetch(listed[:2])
        assert await rig.source.settle(["a", "b\t1", "b\t2"], DELETE) == ["a", "b\t1"]
        assert await rig.source.settle(["b\t1"], DELETE) == [], "it is another message now"

    run(Rig(drop, tmp_path), check)
    assert sorted(drop.deleted) == MESSAGES[:2]


def test_no_names_at_all(tmp_path: Path) -> None:
    drop = Drop([*MESSAGES, MESSAGES[0]], **OLD)

    async def check(rig: Rig) -> None:
        first = [one.key for one in await rig.list()]
        assert len(set(first)) == 7
        assert [key.partition("\t")[2] for key in first] == ["1", "", "", "", "", "", "2"]
        await rig.source.close()
        drop.messages.pop(1)  # somebody else deleted one: all others keep their keys
        second = [one.key for one in await rig.list()]
        assert second == [*first[:1], *first[2:]]
        assert not any(one.startswith("RETR") for one in drop.seen)

    run(Rig(drop, tmp_path), check)


def test_neither_names_nor_top(tmp_path: Path) -> None:
    answers = {"UIDL": "-ERR what?", "TOP": "-ERR what?", "LAST": "+OK 2"}
    drop = Drop(list(MESSAGES), offers=None, answers=answers)

    async def check(rig: Rig) -> None:
        listed = await rig.list()
        assert len({one.key for one in listed}) == 6
        assert [one.flags for one in listed] == [Flag.SEEN, Flag.SEEN, 0, 0, 0, 0]

    run(Rig(drop, tmp_path), check)


@pytest.mark.parametrize("limit", ["max_header_octets", "max_hashed_octets"])
def test_no_more_is_hashed_than_the_limit(limit: str, tmp_path: Path) -> None:
    """Where messages have no names; what differs only behind it has no name of its own."""
    answers = {"UIDL": "-ERR what?"} | ({"TOP": "-ERR what?"} if "hashed" in limit else {})
    alike = [b"Subject: the same, but for %d\r\n\r\nA\r\n" % number for number in range(2)]
    drop = Drop(alike, offers=None, answers=answers)

    async def check(rig: Rig) -> None:
        first, second = (one.key.partition("\t") for one in await rig.list())
        assert first[0] == second[0]
        assert first[2] != second[2]

    async def check_whole(rig: Rig) -> None:
        first, second = (one.key.partition("\t") for one in await rig.list())
        assert first[0] != second[0]

    run(Rig(drop, tmp_path, **{limit: 20}), check)
    run(Rig(drop, tmp_path), check_whole)


def test_a_message_that_cannot_be_read_is_no_end(tmp_path: Path) -> None:
    answers = {"UIDL": "-ERR what?", "TOP 2 0": "-ERR broken", "RETR 2": "-ERR broken"}
    drop = Drop(list(MESSAGES), offers=("TOP",), answers=answers)

    async def check(rig: Rig) -> None:
        found = await rig.fetch(await rig.list())
        missed = [one for one in found.values() if isinstance(one, Missed)]
        assert len(found) == 6
        assert [one.why for one in missed] == ["The server does not give it: “broken”."]

    run(Rig(drop, tmp_path), check)


@pytest.mark.parametrize("sizes", [[0] * 6, [1] * 6, [10**12] * 6])
def test_sizes_that_lie(tmp_path: Path, sizes: list[int]) -> None:
    drop = Drop(list(MESSAGES), list(NAMES), sizes)

    async def check(rig: Rig) -> None:
        listed = await rig.list()
        assert [one.size for one in listed] == sizes
        assert await rig.fetch(listed) == dict(zip(NAMES, MESSAGES, strict=True))

    run(Rig(drop, tmp_path), check)


def test_too_large_is_missed_and_the_others_come(tmp_path: Path) -> None:
    drop = Drop([MESSAGES[0], b"x" * 100_000 + b"\r\n", MESSAGES[2]], NAMES[:3])

    async def check(rig: Rig) -> None:
        found = await rig.fetch(await rig.list())
        assert isinstance(found[NAMES[1]], Missed)
        assert found[NAMES[2]] == MESSAGES[2]

    run(Rig(drop, tmp_path, most=50_000), check)
    assert not list(tmp_path.iterdir())


def test_an_empty_answer_is_missed(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES[:2]), NAMES[:2], answers={"RETR 1": "+OK\n."})

    async def check(rig: Rig) -> None:
        found = await rig.fetch(await rig.list())
        assert isinstance(found[NAMES[0]], Missed)

    run(Rig(drop, tmp_path), check)


@pytest.mark.parametrize("message", [b"Subject: a\r\n\r\nb\r\n\r\n.c\r\n", b"no end\r\n"])
def test_a_server_of_bare_line_feeds(tmp_path: Path, message: bytes) -> None:
    drop = Drop([message], ["one"], end="\n")

    async def check(rig: Rig) -> None:
        assert await rig.fetch(await rig.list()) == {"one": message}

    run(Rig(drop, tmp_path), check)


def test_throttled_in_the_middle(tmp_path: Path) -> None:
    later = "-ERR [SYS/TEMP] Too many messages, wait 10 minutes"
    answers = {f"RETR {number}": later for number in (3, 4, 5, 6)}
    drop = Drop(list(MESSAGES), list(NAMES), answers=answers)

    async def check(rig: Rig) -> None:
        listed, found = await rig.list(), []
        with pytest.raises(SourceFailure) as caught:
            async for one in rig.source.fetch(listed, rig.spool):
                if isinstance(one, Arrived):
                    one.spool.discard()
                    found.append(one.message.key)
        assert (caught.value.trouble, caught.value.retry_after) == ("throttled", 600)
        assert await rig.source.settle(found, DELETE) == NAMES[:2], "what came is safe"

    run(Rig(drop, tmp_path), check)


def test_one_message_that_is_never_to_be_had_does_not_stop_the_others(tmp_path: Path) -> None:
    answers = {"RETR 1": "-ERR [SYS/TEMP] try again later", "RETR 3": "-ERR throttled"}
    drop = Drop(list(MESSAGES), list(NAMES), answers=answers)

    async def check(rig: Rig) -> None:
        found = await rig.fetch(await rig.list())
        assert [key for key in NAMES if isinstance(found[key], Missed)] == [NAMES[0], NAMES[2]]
        assert found[NAMES[5]] == MESSAGES[5]

    run(Rig(drop, tmp_path), check)


def test_cut_in_messages_that_come_over_new_connections(tmp_path: Path) -> None:
    bodies = [b"%d" % n + b"x" * 5000 + b"\r\n" for n in range(3)]
    rig = Rig(Drop(bodies, NAMES[:3]), tmp_path)
    rig.network.faults[HOST] = Faults(cut_to_client=9000)

    async def check(rig: Rig) -> None:
        found = await rig.fetch(await rig.list())
        assert found == dict(zip(NAMES, bodies, strict=False))

    run(rig, check)


@pytest.mark.timed
def test_a_message_that_always_breaks_the_connection_costs_itself(tmp_path: Path) -> None:
    bodies = [b"a" * 50 + b"\r\n", b"x" * 20_000 + b"\r\n", b"b" * 50 + b"\r\n"]
    rig = Rig(Drop(bodies, NAMES[:3]), tmp_path)
    rig.network.faults[HOST] = Faults(cut_to_client=9000)

    async def check(rig: Rig) -> None:
        fetching = asyncio.ensure_future(rig.fetch(await rig.list()))
        while not fetching.done():
            await asyncio.sleep(0.001)
            await rig.clock.advance(1)
        found = await fetching
        assert (found[NAMES[0]], found[NAMES[2]]) == (bodies[0], bodies[2])
        missed = found[NAMES[1]]
        assert isinstance(missed, Missed)
        assert "breaks in the middle" in missed.why
        assert not missed.gone

    run(rig, check)


def test_cut_where_names_mean_one_session_only(tmp_path: Path) -> None:
    bodies = [b"%d" % n + b"x" * 5000 + b"\r\n" for n in range(3)]
    rig = Rig(Drop(bodies, ["same"] * 3), tmp_path)
    rig.network.faults[HOST] = Faults(cut_to_client=9000)

    async def check(rig: Rig) -> None:
        with pytest.raises(SourceFailure) as caught:
            await rig.fetch(await rig.list())
        assert caught.value.trouble == "cut"

    run(rig, check)


def test_waiting_leaves_the_maildrop_to_others(tmp_path: Path) -> None:
    drop = Drop(list(MESSAGES), list(NAMES))

    async def check(rig: Rig) -> None:
        await rig.list()
        waiting = asyncio.ensure_future(rig.source.wait(60))
        while not rig.clock.sleeping:
            await asyncio.sleep(0)
        assert drop.seen[-1] == "QUIT"
        await rig.clock.advance(60)
        assert await waiting

    run(Rig(drop, tmp_path), check)


def test_keys() -> None:
    assert usable_names({1: b"1", 2: b"2"}) == {}, "the next session's 1 is another message"
    assert usable_names({1: b"2", 2: b"1"}) == {1: "2", 2: "1"}
    assert usable_names({1: b"a\tb"}) == {1: "a b"}, "a TAB is ours"
    assert len(usable_names({1: b"x" * 5000})[1]) < 100
    assert unique_keys({1: "a", 2: "b", 3: "a"}) == {1: "a\t1", 2: "b", 3: "a\t2"}
