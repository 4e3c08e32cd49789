"""Which mailboxes there are, in all dialects, and opening them."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.mailbox_names import decode_levels, encode_levels
from pillarbox.imap.client.responses import Fetched, NamespaceEntry
from pillarbox.imap.client.selecting import Resync
from support.scripted_imap import ImapScript, connect


def greeting(offers: str) -> str:
    return f"* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN {offers}] ready"


def script(offers: str = "", **answers: str) -> ImapScript:
    capabilities = f"* CAPABILITY IMAP4rev1 LITERAL+ {offers}\r\n$ OK"
    more = {name.replace("_", " "): answer for name, answer in answers.items()}
    return ImapScript(greeting=greeting(offers), answers={"CAPABILITY": capabilities, **more})


def run_list(server: ImapScript) -> list[tuple[str, bool, frozenset[str], dict[str, int]]]:
    async def run() -> list[tuple[str, bool, frozenset[str], dict[str, int]]]:
        connection = await connect(server)
        server.seen.clear()
        return [
            ("|".join(one.levels), one.subscribed, one.attributes, one.status)
            for one in await connection.list()
        ]

    return asyncio.run(run())


def test_list_extended_in_one_command() -> None:
    server = script(
        "LIST-EXTENDED LIST-STATUS SPECIAL-USE",
        LIST='* LIST (\\Subscribed \\Sent) "/" Sent\r\n* STATUS Sent (MESSAGES 3)\r\n'
        '* LIST () "/" "a/b"\r\n$ OK',
    )
    assert run_list(server) == [
        ("Sent", True, frozenset({"\\subscribed", "\\sent"}), {"MESSAGES": 3}),
        ("a|b", False, frozenset(), {}),
    ]
    wanted = "RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))"
    assert server.seen == [f'LIST "" "*" {wanted}']


def test_list_extended_that_is_not_meant() -> None:
    server = script(
        "LIST-EXTENDED",
        LIST='* LIST () "." x\r\n$ OK',
        LSUB='* LSUB () "." x\r\n$ OK',
    )
    server.answers = {**server.answers, 'LIST "" "*" RETURN': "$ BAD what"}
    assert run_list(server) == [("x", True, frozenset(), {})]
    assert server.seen == ['LIST "" "*" RETURN (SUBSCRIBED)', 'LIST "" "*"', 'LSUB "" "*"']


def test_old_servers() -> None:
    server = script(
        "XLIST",
        XLIST='* XLIST (\\Inbox) "/" Inbox\r\n* XLIST (\\AllMail) "/" "[Gmail]/All"\r\n$ OK',
        LSUB="$ BAD never heard of it",
    )
    assert run_list(server) == [
        ("INBOX", False, frozenset({"\\inbox"}), {}),
        ("[Gmail]|All", False, frozenset({"\\allmail"}), {}),
    ]


def test_a_list_without_end() -> None:
    async def run() -> None:
        lines = "\r\n".join(f'* LIST () "/" box{number}' for number in range(12))
        server = script(LIST=f"{lines}\r\n$ OK")
        connection = await connect(server, limits=ImapClientLimits(max_folders=10))
        with pytest.raises(ImapFailure, match="more than 10 folders"):
            await connection.list()
        assert not connection.is_usable

    asyncio.run(run())


def test_list_is_refused() -> None:
    async def run() -> None:
        connection = await connect(script(LIST="$ NO [UNAVAILABLE] later"))
        with pytest.raises(ImapFailure) as caught:
            await connection.list()
        assert (caught.value.answer, caught.value.code_name) == ("NO", "UNAVAILABLE")
        assert connection.is_usable

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "delimiter", "utf8", "levels"),
    [
        (b"inbox", "/", False, ("INBOX",)),
        (b"InBox.Sent", ".", False, ("INBOX", "Sent")),
        (b"Entw&APw-rfe", "/", False, ("Entwürfe",)),
        (b"&2D3egA-/&AOQ-", "/", False, ("🚀", "ä")),
        (b"a&-b", "/", False, ("a&b",)),
        (b"A&B", "/", False, ("A&B",)),  # broken, and still a name
        (b"Entw\xc3\xbcrfe", "/", False, ("Entwürfe",)),
        (b"Entw\xfcrfe", "/", False, ("Entwürfe",)),
        (b"Entw\xc3\xbcrfe&-", "/", True, ("Entwürfe&-",)),
        (b"a/b.c", ".", False, ("a/b", "c")),
        (b"a.b/c", "", False, ("a.b/c",)),
        (b"a\\b", "\\", False, ("a", "b")),
        (b"a&AOQ-b", "&", False, ("aäb",)),
        (b"folder/", "/", False, ("folder",)),
        (b"", "/", False, ("",)),
    ],
)
def test_names(name: bytes, delimiter: str, utf8: bool, levels: tuple[str, ...]) -> None:
    assert decode_levels(name, delimiter, utf8=utf8) == levels


def test_names_the_other_way() -> None:
    assert encode_levels(["INBOX", "Entwürfe"], ".", utf8=False) == b"INBOX.Entw&APw-rfe"
    assert encode_levels(["a.b", "ä"], ".", utf8=True) == "a_b.ä".encode()
    assert encode_levels(["a"], "", utf8=False) == b"a"


def test_namespaces_and_names_in_utf8() -> None:
    async def run() -> None:
        server = script(
            "NAMESPACE ENABLE UTF8=ACCEPT",
            NAMESPACE='* NAMESPACE (("INBOX." ".")) NIL NIL\r\n$ OK',
            ENABLE="* ENABLED UTF8=ACCEPT\r\n$ OK",
        )
        connection = await connect(server)
        found = await connection.namespace()
        assert found is not None
        assert found.personal == (NamespaceEntry(b"INBOX.", "."),)
        assert not connection.names_are_utf8
        assert await connection.enable("UTF8=ACCEPT")
        assert connection.names_are_utf8
        assert not await connection.enable("QRESYNC")
        assert await connection.enable("UTF8=ACCEPT")
        assert server.seen.count("ENABLE UTF8=ACCEPT") == 1
        other = await connect(script())
        assert await other.namespace() is None
        assert await other.id({"name": "x"}) == {}

    asyncio.run(run())


def test_names_in_commands() -> None:
    async def run() -> None:
        server = script(
            "ID", ID='* ID ("name" "Other")\r\n$ OK', STATUS="* STATUS x (MESSAGES 7)\r\n$ OK",
            CREATE="$ NO [ALREADYEXISTS] is there", DELETE="$ NO it is not wanted",
        )  # fmt: skip
        connection = await connect(server)
        server.seen.clear()
        assert await connection.status(b'a "b" \\c') == {"MESSAGES": 7}
        assert await connection.status(b"a\r\nb DELETE x")
        assert await connection.subscribe("ä".encode())
        assert not await connection.create(b"x")
        with pytest.raises(ImapFailure, match="not wanted"):
            await connection.delete(b"x")
        assert await connection.id({"name": "a", "b": 'c"'}) == {"name": "Other"}
        assert server.seen == [
            'STATUS "a \\"b\\" \\\\c" (MESSAGES)',
            "STATUS {13+}\r\na\r\nb DELETE x (MESSAGES)",
            'SUBSCRIBE "Ã¤"',
            'CREATE "x"',
            'DELETE "x"',
            'ID ("name" "a" "b" "c\\"")',
        ]

    asyncio.run(run())


SELECTED = (
    "* 172 EXISTS\r\n* 1 RECENT\r\n* FLAGS (\\Answered \\Seen $Old)\r\n"
    "* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n* OK [UIDVALIDITY 3857529045] x\r\n"
    "* OK [UIDNEXT 4392] x\r\n* OK [HIGHESTMODSEQ 715194045007] x\r\n"
)


def test_select() -> None:
    async def run() -> None:
        server = script(
            "CONDSTORE",
            SELECT=SELECTED + "$ OK [READ-WRITE] done",
            EXAMINE=SELECTED + "$ OK [READ-ONLY] done",
        )
        connection = await connect(server)
        found = await connection.select(b"INBOX", condstore=True)
        assert (found.exists, found.uid_validity, found.uid_next) == (172, 3857529045, 4392)
        assert found.highest_modseq == 715194045007
        assert (found.read_only, found.for_writing, found.touched) == (False, True, False)
        can = [found.may_set(name) for name in ("\\seen", "\\Answered", "$new", "\\X")]
        assert can == [True, False, True, False]
        found = await connection.examine(b"INBOX")
        assert (found.read_only, found.for_writing) == (True, False)
        assert server.seen[-2:] == ['SELECT "INBOX" (CONDSTORE)', 'EXAMINE "INBOX"']

    asyncio.run(run())


def test_select_with_qresync() -> None:
    async def run() -> None:
        server = script(
            "QRESYNC CONDSTORE ENABLE",
            ENABLE="* ENABLED QRESYNC CONDSTORE\r\n$ OK",
            SELECT="* OK [CLOSED] former\r\n" + SELECTED + "* VANISHED (EARLIER) 41,43:116\r\n"
            "* 49 FETCH (UID 117 FLAGS (\\Seen) MODSEQ (90060115194045001))\r\n$ OK done",
        )
        connection = await connect(server)
        found = await connection.select(b"x", resync=Resync(67890007, 90060115194045000, b"41:197"))
        assert server.seen[-1] == 'SELECT "x" (QRESYNC (67890007 90060115194045000 41:197))'
        assert found.vanished == [((41, 41), (43, 116))]
        assert found.fetched == [Fetched(49, 117, flags=b"\\Seen", modseq=90060115194045001)]
        assert found.exists == 172

    asyncio.run(run())


def test_select_fails_and_closes_what_was_open() -> None:
    async def run() -> None:
        answers = {"SELECT": SELECTED + "$ OK", 'SELECT "y"': "$ NO [NONEXISTENT] no"}
        connection = await connect(ImapScript(answers=answers))
        await connection.select(b"x")
        with pytest.raises(ImapFailure, match="NONEXISTENT"):
            await connection.select(b"y")
        assert connection.selected is None
        with pytest.raises(ImapFailure, match="No folder"):
            await connection.idle(1)

    asyncio.run(run())


def test_what_the_server_says_unasked() -> None:
    async def run() -> None:
        news = "* 173 EXISTS\r\n* 3 EXPUNGE\r\n* OK [ALERT] full soon\r\n* OK [UIDNEXT 9] x\r\n"
        answers = {
            "SELECT": SELECTED + "$ OK", "NOOP": news + "$ OK",
            "STATUS": "* VANISHED 1:2\r\n* 1 FETCH (FLAGS ())\r\n$ OK",
        }  # fmt: skip
        connection = await connect(ImapScript(answers=answers))
        found = await connection.select(b"x")
        await connection.noop()
        assert (found.exists, found.uid_next, found.touched) == (172, 9, True)
        assert connection.alerts == ("full soon",)
        await connection.status(b"y")
        assert found.exists == 170

    asyncio.run(run())
