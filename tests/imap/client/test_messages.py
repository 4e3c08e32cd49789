"""Messages: fetched with several commands on the way, stored, copied, moved, removed, added."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.imap.client.appending import Appended, OutgoingMessage
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.messages import Copied, SetEnd
from pillarbox.imap.client.responses import Fetched, ServerLiteral
from support.fake_clock import FakeClock
from support.scripted_imap import Answers, ImapScript, connect

BOX = "* 9 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n$ OK [READ-WRITE] x"


def script(offers: str = "", answers: Answers | None = None, piece: int = 0) -> ImapScript:
    capabilities = f"* CAPABILITY IMAP4rev1 {offers}\r\n$ OK"
    more = {"CAPABILITY": capabilities, "SELECT": BOX, **(answers or {})}
    return ImapScript(answers=more, piece=piece)


def one(uid: int, octets: str = "hello") -> str:
    return f"* {uid} FETCH (UID {uid} BODY[] {{{len(octets)}}}\r\n{octets})\r\n"


@pytest.mark.parametrize("piece", [0, 1, 5])
def test_several_fetches_on_the_way(piece: int) -> None:
    async def run() -> None:
        answers = {
            "UID FETCH 1,2": one(1) + one(2) + "$ OK",
            "UID FETCH 3": "* 3 EXPUNGE\r\n* 2 FETCH (FLAGS ())\r\n$ NO [EXPUNGEISSUED] gone",
            "UID FETCH 4": one(4, "x\r\nA3 OK y") + "$ OK",
            "UID FETCH 5": "$ OK",
        }
        server = script(answers=answers, piece=piece)
        connection = await connect(server, limits=ImapClientLimits(fetches_in_flight=2))
        await connection.select(b"x")
        server.bursts.clear()
        sets = [b"1,2", b"3", b"4", b"5"]
        found = [one async for one in connection.fetch(sets, b"(UID BODY.PEEK[])")]
        bodies = [one.body for one in found if isinstance(one, Fetched) and one.has_body]
        assert bodies == [
            ServerLiteral(5, b"hello"), ServerLiteral(5, b"hello"),
            ServerLiteral(10, b"x\r\nA3 OK y"),
        ]  # fmt: skip
        ends = [(one.number, one.condition.kind) for one in found if isinstance(one, SetEnd)]
        assert ends == [(0, "OK"), (1, "NO"), (2, "OK"), (3, "OK")]
        assert sum(burst.count(b"UID FETCH") for burst in server.bursts[:2]) == 2
        assert connection.selected is not None
        assert connection.selected.exists == 8

    asyncio.run(run())


def test_a_fetch_that_is_given_up() -> None:
    """What is still to come of it is passed over when the next command begins."""

    async def run(tidy: bool) -> None:
        answers = {
            "UID FETCH 1": one(1) + one(2) + "$ OK",
            "UID FETCH 2": one(3, "z" * 100_000) + "$ BAD hm",
            "NOOP": "* 4 EXISTS\r\n$ OK",
        }
        server = script(answers=answers)
        connection = await connect(server)
        selected = await connection.select(b"x")
        stream = connection.fetch([b"1", b"2"], b"(UID BODY.PEEK[])")
        first = await anext(stream)
        assert isinstance(first, Fetched)
        if tidy:
            await stream.aclose()
        await connection.noop()
        assert selected.exists == 4
        if not tidy:
            await stream.aclose()
        await connection.noop()
        assert connection.is_usable

    asyncio.run(run(tidy=True))
    asyncio.run(run(tidy=False))


@pytest.mark.parametrize(
    ("answer", "why", "timed_out"),
    [
        (one(1) + "* 2 FETCH (UID 2 BODY[] {500}\r\nshort)\r\n$ OK…", "within 120 seconds", True),
        (one(1) + "* 2 FETCH (UID 2 BODY[] {50}\r\nshCLOSE", "closed", False),
        (one(1) + "* BYE [UNAVAILABLE] going down\r\nCLOSE", "going down", False),
        (one(1) + "* 2 FETCH (UID 2 BODY[] {3}\r\nlonger)\r\n$ OK", "announced", False),
        (one(1) + "* 2 FETCH (UID 2 BODY[] {4294967295}\r\nxx", "a message of", False),
        (one(1) + "* OK " + "z" * 5_000_000, "too long", False),
        (one(1) + "Z9 OK whose?\r\n$ OK", "not given", False),
        (one(1) + "\x00\x01\x02\x03\r\n$ OK", "no IMAP", False),
    ],
)
def test_fetches_that_end_badly(answer: str, why: str, timed_out: bool) -> None:
    async def run() -> None:
        clock = FakeClock()
        connection = await connect(script(answers={"UID FETCH": answer}), clock)
        await connection.select(b"x")
        found: list[Fetched | SetEnd] = []

        async def read() -> None:
            async with aclosing(connection.fetch([b"1:*"], b"(UID BODY.PEEK[])")) as stream:
                async for one in stream:
                    found.append(one)

        reading = asyncio.create_task(read())
        for _ in range(15):
            await clock.advance(10)
        with pytest.raises(ImapFailure, match=why) as caught:
            await reading
        assert caught.value.ended
        assert caught.value.timed_out == timed_out
        assert len(found) == 1
        assert not connection.is_usable

    asyncio.run(run())


def test_a_server_that_never_stops() -> None:
    async def run() -> None:
        server = script(answers={"NOOP": "* 1 EXISTS\r\n" * 200 + "$ OK"})
        connection = await connect(server, limits=ImapClientLimits(max_unasked=100))
        with pytest.raises(ImapFailure, match="without end"):
            await connection.noop()

    asyncio.run(run())


def test_store() -> None:
    async def run() -> None:
        answers = {"UID STORE 1:2": "$ OK", "UID STORE 4": "$ OK [MODIFIED 4] some changed"}
        server = script(answers=answers)
        connection = await connect(server, limits=ImapClientLimits(set_numbers=2))
        done = await connection.store([4, 2, 1, 2], b"+FLAGS", ["\\Seen", "a b", "$x"])
        assert done == ([1, 2], [4])
        await connection.store([1], b"FLAGS", [], unchanged_since=12)
        assert server.seen[-3:] == [
            "UID STORE 1:2 +FLAGS.SILENT (\\Seen $x)",
            "UID STORE 4 +FLAGS.SILENT (\\Seen $x)",
            "UID STORE 1 (UNCHANGEDSINCE 12) FLAGS.SILENT ()",
        ]
        refused = await connect(script(answers={"UID STORE": "$ NO read-only"}))
        with pytest.raises(ImapFailure, match="read-only"):
            await refused.store([1], b"FLAGS", [])

    asyncio.run(run())


def test_moving() -> None:
    async def run() -> None:
        answers = {"UID MOVE": "* OK [COPYUID 9 1:2 11,15] x\r\n* 1 EXPUNGE\r\n$ OK done"}
        server = script("MOVE UIDPLUS", answers)
        connection = await connect(server)
        assert await connection.move([1, 2], b"There") == Copied(9, {1: 11, 2: 15})
        assert server.seen[-1] == 'UID MOVE 1:2 "There"'

        server = script("UIDPLUS", {"UID COPY": "$ OK [COPYUID 9 1:2 11] odd"})
        connection = await connect(server)
        assert await connection.move([1, 2], b"There") == Copied(9, {})
        assert server.seen[-3:] == [
            'UID COPY 1:2 "There"',
            "UID STORE 1:2 +FLAGS.SILENT (\\Deleted)",
            "UID EXPUNGE 1:2",
        ]

        server = script("UIDPLUS", {"UID COPY": "$ NO [TRYCREATE] no"})
        connection = await connect(server)
        with pytest.raises(ImapFailure) as caught:
            await connection.move([1], b"There")
        assert caught.value.code_name == "TRYCREATE"
        assert "STORE" not in server.seen[-1]  # nothing is deleted that was not copied

    asyncio.run(run())


def test_expunging_without_uidplus_leaves_what_others_marked() -> None:
    async def run() -> None:
        server = script(answers={"UID SEARCH": "* SEARCH 3 7 9\r\n$ OK"})
        connection = await connect(server)
        await connection.expunge([7])
        assert server.seen[-4:] == [
            "UID SEARCH DELETED",
            "UID STORE 3,9 -FLAGS.SILENT (\\Deleted)",
            "EXPUNGE",
            "UID STORE 3,9 +FLAGS.SILENT (\\Deleted)",
        ]

    asyncio.run(run())


def test_search() -> None:
    async def run() -> None:
        answers = {"UID SEARCH RETURN": '* ESEARCH (TAG "$") UID ALL 3:5,1\r\n$ OK'}
        connection = await connect(script("ESEARCH", answers))
        assert await connection.search(b"ALL") == [1, 3, 4, 5]
        answers = {"UID SEARCH": "* SEARCH 2 1\r\n* SEARCH 2 9\r\n$ OK"}
        connection = await connect(script(answers=answers))
        assert await connection.search(b"ALL") == [1, 2, 9]
        answers = {"UID SEARCH": "* ESEARCH UID ALL 1:4294967295\r\n$ OK"}
        connection = await connect(script("ESEARCH", answers))
        assert await connection.search(b"ALL") == []  # more than there can be

    asyncio.run(run())


class Content:
    """A message in memory, in pieces."""

    def __init__(self, *pieces: bytes, size: int | None = None) -> None:
        self.pieces = pieces
        self.size = sum(map(len, pieces)) if size is None else size

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


HI = OutgoingMessage(Content(b"Subject: x\r\n", b"\r\n{5}\r\n"), ("\\Seen", "$x"), 0)
DATE = '" 1-Jan-1970 00:00:00 +0000"'


@pytest.mark.parametrize(
    ("offers", "mark", "bursts"),
    [("LITERAL+", "+", 1), ("LITERAL-", "+", 1), ("", "", 2)],
)
def test_append(offers: str, mark: str, bursts: int) -> None:
    async def run() -> None:
        server = script(offers, {"APPEND": "$ OK [APPENDUID 38505 3955] done"})
        connection = await connect(server)
        server.bursts.clear()
        assert await connection.append(b"a b", [HI]) == Appended(38505, (3955,))
        head = f'APPEND "a b" (\\Seen $x) {DATE} {{19{mark}}}\r\n'
        assert server.seen[-1] == head + "Subject: x\r\n\r\n{5}\r\n"
        waits = [burst for burst in server.bursts if burst.endswith(b"{19}\r\n")]
        assert len(waits) == bursts - 1

    asyncio.run(run())


def test_appending_several() -> None:
    async def run() -> None:
        tiny = OutgoingMessage(Content(b"b"))
        server = script("LITERAL+ MULTIAPPEND", {"APPEND": "$ OK [APPENDUID 1 5:6] done"})
        connection = await connect(server)
        assert await connection.append(b"x", [tiny, tiny]) == Appended(1, (5, 6))
        assert server.seen[-1] == 'APPEND "x" {1+}\r\nb {1+}\r\nb'
        assert await connection.append(b"x", []) == Appended()

        server = script("LITERAL+", {"APPEND": ["$ OK [APPENDUID 1 5] x", "$ OK [APPENDUID 1 9]"]})
        connection = await connect(server)
        assert await connection.append(b"x", [tiny, tiny]) == Appended(1, (5, 9))
        assert server.seen[-2:] == ['APPEND "x" {1+}\r\nb'] * 2

    asyncio.run(run())


def test_a_large_literal_is_asked_for_with_literal_minus() -> None:
    async def run() -> None:
        server = script("LITERAL-")
        connection = await connect(server)
        await connection.append(b"x", [OutgoingMessage(Content(b"z" * 4097))])
        assert server.seen[-1].startswith('APPEND "x" {4097}\r\n')

    asyncio.run(run())


def test_appends_that_fail() -> None:
    async def run() -> None:
        server = script("", {"LITERAL": "$ NO [OVERQUOTA] full", "APPEND": "$ OK"})
        connection = await connect(server)
        with pytest.raises(ImapFailure) as caught:
            await connection.append(b"x", [HI])
        assert caught.value.code_name == "OVERQUOTA"
        assert connection.is_usable
        await connection.noop()

        for content in (Content(b"abc", size=2), Content(b"abc", size=4)):
            connection = await connect(script("LITERAL+"))
            with pytest.raises(ImapFailure, match="as many octets"):
                await connection.append(b"x", [OutgoingMessage(content)])
            assert not connection.is_usable  # the server would wait for the rest

    asyncio.run(run())


def test_idle() -> None:
    async def run() -> None:
        clock = FakeClock()
        answers = {"IDLE": ["+ idling", "+ idling\r\n* 10 EXISTS"], "DONE": "$ OK done"}
        server = script("IDLE", answers)
        timeouts = ImapClientTimeouts(idle_seconds=100)
        connection = await connect(server, clock, timeouts=timeouts)
        await connection.select(b"x")
        server.seen.clear()
        waiting = asyncio.create_task(connection.idle(1000))
        for _ in range(9):
            await clock.advance(10)
        assert server.seen == ["IDLE"]
        for _ in range(3):
            await clock.advance(10)
        assert await waiting
        assert server.seen == ["IDLE", "DONE", "IDLE", "DONE"]
        assert await connection.idle(1)  # nobody has looked since

        assert connection.selected is not None
        connection.selected.touched = False
        waiting = asyncio.create_task(connection.idle(30))
        for _ in range(5):
            await clock.advance(10)
        assert not await waiting

    asyncio.run(run())


def test_idle_that_is_cancelled_or_cut() -> None:
    async def run() -> None:
        clock = FakeClock()
        server = script("IDLE", {"IDLE": ["+ idling", "+ idling\r\nCLOSE"], "DONE": "$ OK"})
        connection = await connect(server, clock)
        await connection.select(b"x")
        waiting = asyncio.create_task(connection.idle(1000))
        await clock.advance(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await connection.noop()  # goes on where it was
        assert server.seen[-3:] == ["IDLE", "DONE", "NOOP"]
        with pytest.raises(ImapFailure, match="closed"):
            await connection.idle(1000)

    asyncio.run(run())


@pytest.mark.parametrize("offers", ["", "IDLE"])
def test_polling_where_idle_is_not_known_or_refused(offers: str) -> None:
    async def run() -> None:
        clock = FakeClock()
        server = script(offers, {"IDLE": "$ NO no", "NOOP": ["$ OK", "* 11 EXISTS\r\n$ OK"]})
        timeouts = ImapClientTimeouts(poll_seconds=50)
        connection = await connect(server, clock, timeouts=timeouts)
        await connection.select(b"x")
        waiting = asyncio.create_task(connection.idle(1000))
        for _ in range(15):
            await clock.advance(10)
        assert await waiting
        assert server.seen.count("NOOP") == 2

    asyncio.run(run())


def test_farewell() -> None:
    async def run() -> None:
        server = script()
        connection = await connect(server)
        await connection.logout()
        assert server.seen[-1] == "LOGOUT"
        await connection.logout()
        with pytest.raises(ImapFailure):
            await connection.noop()
        clock = FakeClock()
        silent = await connect(script(answers={"LOGOUT": "…"}), clock)
        leaving = asyncio.create_task(silent.logout())
        for _ in range(3):
            await clock.advance(10)
        await leaving

    asyncio.run(run())
