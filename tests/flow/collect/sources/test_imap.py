"""Accounts on IMAP servers as a source: scripted servers that break in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.config.store import StoreSettings
from pillarbox.flow.collect.source import (
    Arrived,
    AtSource,
    FlagsNow,
    Missed,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.flow.collect.sources.imap import ImapSource
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from pillarbox.store.blobs.disk import RealDisk
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.model import Flag
from support.fake_clock import FakeClock
from support.scripted_imap import HOST, PORT, Answer, ImapScript, network_of

INBOX = RemoteFolder("INBOX", "INBOX")
LIMITS = ImapClientLimits(fetch_messages=2, fetches_in_flight=2, held_literal_octets=4096)
TIMEOUTS = ImapClientTimeouts(fetch_seconds=30, command_seconds=30)


def listing(*uids: int, size: int = 5) -> str:
    lines = [
        f"* {number} FETCH (UID {uid} FLAGS (\\Seen kept) RFC822.SIZE {size} "
        'INTERNALDATE " 1-Jan-1970 00:00:07 +0000")\r\n'
        for number, uid in enumerate(uids, 1)
    ]
    return "".join(lines) + "$ OK"


def box(exists: int, validity: int = 5, modseq: int = 0) -> str:
    more = f"* OK [HIGHESTMODSEQ {modseq}] x\r\n" if modseq else ""
    return (
        f"* {exists} EXISTS\r\n* FLAGS (\\Seen \\Deleted kept)\r\n"
        f"* OK [UIDVALIDITY {validity}] x\r\n"
        f"* OK [UIDNEXT {exists + 1}] x\r\n{more}$ OK done"
    )


def body(uid: int, octets: str = "hello", announced: int | None = None) -> str:
    size = len(octets) if announced is None else announced
    return f"* {uid} FETCH (UID {uid} BODY[] {{{size}}}\r\n{octets})\r\n"


class Bench:
    """A source in front of a script, and the messages that came."""

    def __init__(self, script: ImapScript, folder: Path) -> None:
        self.clock = FakeClock()
        self.script = script
        self._connector = network_of(script, self.clock).connector()
        self._folder = folder
        self.source = ImapSource(self._dial, self.clock, host="mail.example.net")

    async def _dial(self) -> ImapConnection:
        caller = ImapCaller(
            clock=self.clock, connector=self._connector, limits=LIMITS, timeouts=TIMEOUTS
        )
        connection = await ImapConnection.open(caller, HOST, PORT)
        who = Credentials("alice", Secret("secret"))
        await connection.authenticate(who, in_the_clear=True)
        return connection

    def spool(self) -> Spool:
        return Spool(self._folder, RealDisk(), StoreSettings(), 200_000)

    async def fetch(self, messages: list[RemoteMessage]) -> dict[str, bytes | str]:
        """Octets or why not, by key."""
        found: dict[str, bytes | str] = {}
        async for one in self.source.fetch(messages, self.spool):
            assert one.message.key not in found
            if isinstance(one, Missed):
                found[one.message.key] = "gone" if one.gone else one.why
                continue
            assert isinstance(one, Arrived)
            with one.spool as spool:
                found[one.message.key] = bytes(spool.octets()[:])
        return found

    async def bring(self) -> dict[str, bytes | str]:
        """Open the inbox and fetch all."""
        opened = await self.source.open(INBOX)
        return await self.fetch(list(opened.messages))


def run(
    answers: dict[str, Answer | list[Answer]],
    work: Callable[[Bench], Awaitable[None]],
    folder: Path,
    offers: str = "",
) -> ImapScript:
    """Do it while time passes."""
    more = {"CAPABILITY": f"* CAPABILITY IMAP4rev1 LITERAL+ {offers}\r\n$ OK", **answers}
    script = ImapScript(answers=more)

    async def whole() -> None:
        bench = Bench(script, folder)
        task = asyncio.ensure_future(work(bench))
        for _ in range(3000):
            if task.done():
                break
            await bench.clock.advance(1)
        assert task.done()
        await task

    asyncio.run(whole())
    return script


def test_open_and_fetch(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        opened = await bench.source.open(INBOX)
        assert (opened.validity, opened.state) == ("5", "77")
        keys = [one.key for one in opened.messages]
        assert keys == ["1", "2", "3"]
        assert opened.messages[0] == RemoteMessage("1", 5, Flag.SEEN, "kept", 7)
        found = await bench.fetch(list(opened.messages))
        assert found == {"1": b"hello", "2": b"x" * 100_000, "3": b"lies"}  # sizes mean nothing

    script = run(
        {
            "EXAMINE": box(3, modseq=77),
            "UID FETCH 1:*": listing(3, 1, 2),
            "UID FETCH 1:2": "* 1 FETCH (FLAGS ())\r\n"  # somebody else's doing
            + body(2, "x" * 100_000) + body(1) + body(9) + "$ OK",
            "UID FETCH 3": body(3, "lies") + "$ OK",
        },
        work, tmp_path, "CONDSTORE",
    )  # fmt: skip
    assert 'EXAMINE "INBOX" (CONDSTORE)' in script.seen
    assert not any(command.startswith(("SELECT", "UID STORE")) for command in script.seen)


def test_an_empty_folder_is_not_asked(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert await bench.bring() == {}

    script = run({"EXAMINE": box(0)}, work, tmp_path)
    assert not any("FETCH" in command for command in script.seen)


@pytest.mark.parametrize(
    ("answers", "two"),
    [
        ({}, "gone"),  # not even listed when asked again
        (
            {"UID FETCH 1:2 (UID)": "* 2 FETCH (UID 2)\r\n$ OK", "UID FETCH 2": "$ OK"},
            "The server lists the message and gives no content for it.",
        ),
        (
            {
                "UID FETCH 1:2 (UID)": "* 2 FETCH (UID 2)\r\n$ OK",
                "UID FETCH 2": "* 2 FETCH (UID 2 BODY[] NIL)\r\n$ OK",
            },
            "The server lists the message and gives no content for it.",
        ),
        (  # it does not say what is there: nothing counts as gone
            {"UID FETCH 2 (UID)": "$ NO not now", "UID FETCH 2": "$ NO cannot be converted"},
            "The server refused it: cannot be converted",
        ),
        (
            {
                "UID FETCH 2 (UID)": "* 2 FETCH (UID 2)\r\n$ OK",
                "UID FETCH 2": "$ NO cannot be converted",
            },
            "The server refused it: cannot be converted",
        ),
        (
            {
                "UID FETCH 2 (UID)": "* 2 FETCH (UID 2)\r\n$ OK",
                "UID FETCH 2": body(2, "y" * 300_000) + "$ OK",
            },
            "The message is larger than this server accepts.",
        ),
    ],
)
def test_one_message_that_cannot_be_had(
    answers: dict[str, Answer | list[Answer]], two: str, tmp_path: Path
) -> None:
    async def work(bench: Bench) -> None:
        assert await bench.bring() == {"1": b"hello", "2": two, "3": b"three"}

    run(
        {
            "EXAMINE": box(3),
            "UID FETCH 1:*": listing(1, 2, 3),
            "UID FETCH 1:2": body(1) + "$ NO some could not be fetched",
            "UID FETCH 2 (UID)": "* 2 FETCH (UID 2)\r\n$ OK"
            if "UID FETCH 2" in answers
            else "$ OK",
            "UID FETCH 3": body(3, "three") + "$ OK",
            **answers,
        },
        work,
        tmp_path,
    )


def test_a_message_that_is_not_listed(tmp_path: Path) -> None:
    """The server counts and finds it, and says nothing of it: it is missing, and that is told."""

    async def work(bench: Bench) -> None:
        opened = await bench.source.open(INBOX)
        assert [(one.key, one.size) for one in opened.messages] == [("1", 5), ("2", 0), ("3", 5)]
        two = "The server refused it: cannot be read"
        assert await bench.fetch(list(opened.messages)) == {"1": b"hello", "2": two, "3": b"three"}

    run(
        {
            "EXAMINE": box(3),
            "UID FETCH 1:*": listing(1, 3),
            "UID SEARCH": "* SEARCH 1 2 3\r\n$ OK",
            "UID FETCH 1:2": body(1) + "$ OK",
            "UID FETCH 2": "$ NO cannot be read",
            "UID FETCH 3": body(3, "three") + "$ OK",
        },
        work,
        tmp_path,
    )


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (body(2, "short", 500) + "$ OK…", "announces 500 octets and sends"),
        (body(2, "longer", 3) + "$ OK", "has not the 3 octets"),
        (body(2, "huge", 4_294_967_296), "a message of 4294967296 octets"),
        ("* 2 FETCH (UID 2 BODY[] {70000}\r\n" + "z" * 60_000 + "CLOSE", "sends 60000"),
    ],
)
def test_a_message_that_breaks_the_connection_each_time(
    broken: str, why: str, tmp_path: Path
) -> None:
    """It is left out, and what stands behind it comes."""

    async def work(bench: Bench) -> None:
        found = await bench.bring()
        assert why in str(found.pop("2"))
        assert found == {"1": b"hello", "3": b"three", "4": b"four"}

    script = run(
        {
            "EXAMINE": box(4),
            "UID FETCH 1:*": listing(1, 2, 3, 4),
            "UID FETCH 1:2": body(1) + broken,
            "UID FETCH 2": broken,
            "UID FETCH 3:4": body(3, "three") + body(4, "four") + "$ OK",
        },
        work,
        tmp_path,
    )
    assert 2 <= script.connections <= 5


def test_a_line_that_is_cut_again_and_again(tmp_path: Path) -> None:
    """Ten cuts, each behind another message: nothing is missing, nothing comes twice."""
    uids = list(range(1, 21))
    cuts = iter(range(10))

    def answer(command: str) -> str:
        first, _, last = command.split(" ")[2].partition(":")
        whole = "".join(body(uid, f"m{uid}") for uid in range(int(first), int(last or first) + 1))
        if next(cuts, None) is None:
            return whole + "$ OK"
        return whole[: len(whole) // 2 + 20] + "CLOSE"

    async def work(bench: Bench) -> None:
        opened = await bench.source.open(INBOX)
        found = await bench.fetch(list(opened.messages))
        assert found == {str(uid): f"m{uid}".encode() for uid in uids}

    script = run(
        {"EXAMINE": box(20), "UID FETCH 1:*": listing(*uids), "UID FETCH": answer}, work, tmp_path
    )
    assert 6 <= script.connections <= 11


def test_a_server_that_takes_its_leave(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert await bench.bring() == {"1": b"hello", "2": b"two"}

    answers: dict[str, Answer | list[Answer]] = {
        "EXAMINE": box(2),
        "UID FETCH 1:*": listing(1, 2),
        "UID FETCH 1:2": body(1) + "* BYE Autologout\r\nCLOSE",
        "UID FETCH 2": body(2, "two") + "$ OK",
    }
    assert run(answers, work, tmp_path).connections == 2


def test_a_server_that_always_cuts(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        with pytest.raises(SourceFailure) as caught:
            await bench.bring()
        assert caught.value.trouble == "cut"

    listed = listing(*range(1, 9))
    script = run({"EXAMINE": box(8), "UID FETCH 1:*": listed, "UID FETCH": "CLOSE"}, work, tmp_path)
    assert script.connections < 10


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        ({"EXAMINE": "$ NO [NONEXISTENT] no such thing"}, "gone"),
        ({"EXAMINE": "$ NO something odd"}, "gone"),
        ({"EXAMINE": "$ NO [UNAVAILABLE] database"}, "throttled"),
        ({"EXAMINE": "* BYE [UNAVAILABLE] going down\r\nCLOSE"}, "throttled"),
        ({"EXAMINE": "* 1 EXISTS\r\n$ OK"}, "protocol"),  # no UIDVALIDITY
        ({"EXAMINE": box(5_000_001)}, "gone"),  # collect.imap_limits.max_folder_messages
        ({"EXAMINE": "garbage\r\n"}, "protocol"),
        ({"EXAMINE": "CLOSE"}, "cut"),
        ({"UID FETCH 1:*": "$ NO [LIMIT] too much"}, "throttled"),
        ({"UID FETCH 1": "$ NO [THROTTLED] slow down, try again in 60 seconds"}, "throttled"),
        ({"UID FETCH 1": "$ NO Account exceeded command or bandwidth limits."}, "throttled"),
        ({"UID FETCH 1": "* OK [UIDVALIDITY 6] new\r\n" + body(1) + "$ OK"}, "gone"),
        ({"UID FETCH 1": "* BYE Session expired, too many requests\r\nCLOSE"}, "throttled"),
    ],
)
def test_troubles(answers: dict[str, Answer | list[Answer]], trouble: str, tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        with pytest.raises(SourceFailure) as caught:
            await bench.bring()
        assert caught.value.trouble == trouble
        assert "secret" not in str(caught.value)

    usual: dict[str, Answer | list[Answer]] = {
        "EXAMINE": box(1), "UID FETCH 1:*": listing(1), "UID FETCH 1": body(1) + "$ OK",
    }  # fmt: skip
    run({**usual, **answers}, work, tmp_path)


def test_another_uidvalidity_after_a_cut(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        with pytest.raises(SourceFailure, match="numbered the folder") as caught:
            await bench.bring()
        assert caught.value.trouble == "gone"

    run(
        {
            "EXAMINE": [box(1), box(1, validity=6)],
            "UID FETCH 1:*": listing(1),
            "UID FETCH 1": "CLOSE",
        },
        work,
        tmp_path,
    )


def test_listing_that_is_cut_is_asked_for_once_more(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        opened = await bench.source.open(INBOX)
        assert len(opened.messages) == 2

    whole = listing(1, 2)
    run({"EXAMINE": box(2), "UID FETCH": [whole[:100] + "CLOSE", whole]}, work, tmp_path)


@pytest.mark.parametrize(
    ("offers", "what", "seen"),
    [
        ("UIDPLUS", AtSource("leave"), []),
        ("UIDPLUS", AtSource("mark"), ["UID STORE 1:2 +FLAGS.SILENT (\\Seen)"]),
        (
            "UIDPLUS",
            AtSource("delete"),
            ["UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 1:2"],
        ),
        (
            "MOVE",
            AtSource("move", folder="Fetched/Now"),
            [
                'UID MOVE 1:2 "Fetched.Now"',
                'CREATE "Fetched.Now"',
                'SUBSCRIBE "Fetched.Now"',
                'UID MOVE 1:2 "Fetched.Now"',
            ],
        ),
    ],
)
def test_settling(offers: str, what: AtSource, seen: list[str], tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.source.folders()
        await bench.source.open(INBOX)
        bench.script.seen.clear()
        assert await bench.source.settle(["1", "2"], what) == ["1", "2"]

    script = run(
        {
            "LIST": '* LIST () "." INBOX\r\n$ OK',
            "EXAMINE": box(3),
            "SELECT": box(3),
            "UID FETCH 1:*": listing(1, 2, 3),
            "UID MOVE": ["$ NO [TRYCREATE] no", "$ OK"],
        },
        work,
        tmp_path,
        offers,
    )
    assert script.seen == ['SELECT "INBOX"', *seen] if seen else not script.seen


def test_settling_is_refused(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.source.open(INBOX)
        with pytest.raises(SourceFailure):
            await bench.source.settle(["1"], AtSource("delete"))

    answers: dict[str, Answer | list[Answer]] = {
        "EXAMINE": box(1), "SELECT": box(1), "UID FETCH 1:*": listing(1),
        "UID STORE": "$ NO read-only",
    }  # fmt: skip
    script = run(answers, work, tmp_path)
    assert "UID EXPUNGE" not in "".join(script.seen)


def test_flags_of_both_ways(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.source.open(INBOX)
        wanted = [
            FlagsNow("1", Flag.SEEN, "kept new"), FlagsNow("3", Flag.SEEN, "kept new"),
            FlagsNow("2", 0, ""),
        ]  # fmt: skip
        assert await bench.source.set_flags(wanted) == ["2"]

    answers: dict[str, Answer | list[Answer]] = {
        "EXAMINE": box(3), "SELECT": box(3), "UID FETCH 1:*": listing(1, 2, 3),
    }  # fmt: skip
    script = run(answers, work, tmp_path)
    # "new" cannot be kept there.
    assert script.seen[-2:] == [
        "UID STORE 1,3 FLAGS.SILENT (\\Seen kept)",
        "UID STORE 2 FLAGS.SILENT ()",
    ]


@pytest.mark.parametrize(
    ("offers", "answers", "state", "asked"),
    [
        (
            "ENABLE QRESYNC CONDSTORE",
            {
                "ENABLE": "* ENABLED QRESYNC\r\n$ OK",
                "UID FETCH 1:* (UID FLAGS MODSEQ)": "* VANISHED (EARLIER) 2,40:50\r\n"
                "* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (91))\r\n$ OK",
            },
            "91",
            "(CHANGEDSINCE 77 VANISHED)",
        ),
        (
            "CONDSTORE",
            {
                "UID FETCH 1:* (UID FLAGS MODSEQ)": (
                    "* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (91))\r\n$ OK"
                ),
                "UID SEARCH": "* SEARCH 1 3\r\n$ OK",
            },
            "91",
            "(CHANGEDSINCE 77)",
        ),
    ],
)
def test_changes(
    offers: str,
    answers: dict[str, Answer | list[Answer]],
    state: str,
    asked: str,
    tmp_path: Path,
) -> None:
    async def work(bench: Bench) -> None:
        await bench.source.open(INBOX)
        found = await bench.source.changes("77")
        assert list(found.flags) == [FlagsNow("1", Flag.FLAGGED, "")]
        assert (list(found.vanished), found.state) == (["2"], state)

    usual: dict[str, Answer | list[Answer]] = {
        "EXAMINE": box(3, modseq=80), "UID FETCH 1:*": listing(1, 2, 3),
    }  # fmt: skip
    script = run({**usual, **answers}, work, tmp_path, offers)
    assert any(asked in command for command in script.seen)


def test_changes_without_condstore(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.source.open(INBOX)
        found = await bench.source.changes("")
        assert [one.key for one in found.flags] == ["1", "3"]
        assert (list(found.vanished), found.state) == (["2"], "")

    run({"EXAMINE": box(3), "UID FETCH": [listing(1, 2, 3), listing(1, 3)]}, work, tmp_path)


def test_waiting_and_news_between(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.source.open(INBOX)
        assert not await bench.source.wait(20)
        await bench.source.open(INBOX)  # one more is there than the last time
        assert await bench.source.wait(20)
        await bench.source.open(INBOX)
        assert not await bench.source.wait(20)

    answers: dict[str, Answer | list[Answer]] = {
        "EXAMINE": [box(1), box(2)],
        "UID FETCH": [listing(1), listing(1, 2)],
        "IDLE": "+ idling",
        "DONE": "$ OK",
    }
    run(answers, work, tmp_path, "IDLE")


def test_message_ids(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        opened: OpenFolder = await bench.source.open(INBOX)
        found = await bench.source.message_ids(opened.messages)
        assert found == {"1": b"a@example.org", "2": b""}

    field = "Message-ID: \r\n <a@example.org>\r\n\r\n"
    answer = (
        f"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (MESSAGE-ID)] {{{len(field)}}}\r\n{field})\r\n"
        "* 2 FETCH (UID 2 BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n)\r\n$ OK"
    )
    run(
        {"EXAMINE": box(2), "UID FETCH 1:*": listing(1, 2), "UID FETCH 1:2": answer}, work, tmp_path
    )
