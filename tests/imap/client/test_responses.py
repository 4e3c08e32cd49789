"""What servers say → values: the grammar of RFC 9051 §9 and RFC 3501 §9, and its relatives."""

from __future__ import annotations

import time

import pytest

from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.imap.client.frames import ResponseReader
from pillarbox.imap.client.parser import parse_response
from pillarbox.imap.client.responses import (
    CapabilityList,
    Condition,
    Continuation,
    DefinedFlags,
    Enabled,
    Exists,
    Expunged,
    Fetched,
    Found,
    Identity,
    Listed,
    MailboxStatus,
    NamespaceEntry,
    Namespaces,
    Recent,
    Response,
    ResponseCode,
    ServerLiteral,
    Unknown,
    Vanished,
)
from pillarbox.imap.client.tokens import parse_date_time
from pillarbox.net.outgoing.frames import BadFrame


def code(name: str, argument: bytes = b"") -> ResponseCode:
    return ResponseCode(name, argument)


def listed(name: bytes, delimiter: str = "/", *attributes: str, command: str = "LIST") -> Listed:
    return Listed(command, frozenset(attributes), delimiter, name)  # type: ignore[arg-type]


CONDITIONS: list[tuple[bytes, Response]] = [
    (b"* OK hello", Condition("OK", "hello")),
    (b"* OK", Condition("OK")),
    (b"* ok [ALERT] Down at noon", Condition("OK", "Down at noon", code("ALERT"))),
    (b"* PREAUTH hi", Condition("PREAUTH", "hi")),
    (b"* BYE [UNAVAILABLE] x", Condition("BYE", "x", code("UNAVAILABLE"))),
    (b"A1 OK done", Condition("OK", "done", None, b"A1")),
    (b"A1 NO", Condition("NO", "", None, b"A1")),
    (
        b"A1 NO [AUTHENTICATIONFAILED] no",
        Condition("NO", "no", code("AUTHENTICATIONFAILED"), b"A1"),
    ),
    (b"A1 BAD what {5}", Condition("BAD", "what {5}", None, b"A1")),  # a text, not a literal
    (b"* NO ends with {12}", Condition("NO", "ends with {12}")),
    (
        b"A2 OK [COPYUID 38 304,319:320 3956:3958] Done",
        Condition("OK", "Done", code("COPYUID", b"38 304,319:320 3956:3958"), b"A2"),
    ),
    (
        b"* OK [PERMANENTFLAGS (\\Deleted \\*)] L",
        Condition("OK", "L", code("PERMANENTFLAGS", b"(\\Deleted \\*)")),
    ),
    (b"* OK [not a code", Condition("OK", "[not a code")),
    (b"* OK gr\xc3\xbc\xc3\x9fe \x1b[31m", Condition("OK", "grüße \\x1b[31m")),
    (b"* OK \xff", Condition("OK", "\\xff")),
    (b"+ go on", Continuation(b"go on")),
    (b"+", Continuation(b"")),
    (b"+ PDE4OTYu {3}", Continuation(b"PDE4OTYu {3}")),
]

MAILBOXES: list[tuple[bytes, Response]] = [
    (b"* CAPABILITY imap4rev1 Idle", CapabilityList(("IMAP4REV1", "IDLE"))),
    (b"* ENABLED CONDSTORE", Enabled(("CONDSTORE",))),
    (b"* ENABLED", Enabled(())),
    (b"* FLAGS (\\Seen $Junk)", DefinedFlags(("\\Seen", "$Junk"))),
    (b"* FLAGS ()", DefinedFlags(())),
    (b'* LIST (\\HasNoChildren) "/" INBOX', listed(b"INBOX", "/", "\\hasnochildren")),
    (b'* LIST () "/" "a \\"b\\" \\\\c"', listed(b'a "b" \\c')),
    (b'* LIST (\\Sent) "." &AOQ-.x', listed(b"&AOQ-.x", ".", "\\sent")),
    (b'* LIST () "\\\\" {3}\r\na\\b', listed(b"a\\b", "\\")),
    (b"* LIST (\\NoSelect) NIL flat", listed(b"flat", "", "\\noselect")),
    (b'* LIST () "/" NIL', listed(b"NIL")),  # a folder of that name, badly written
    (b'* LIST () "/" a%b*c]d', listed(b"a%b*c]d")),
    (b'* LIST () "/" "\xc3\xa4"', listed(b"\xc3\xa4")),
    (
        b'* LIST (\\NonExistent) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))',
        listed(b"Foo", "/", "\\nonexistent"),
    ),
    (b'* LSUB () "." x', listed(b"x", ".", command="LSUB")),
    (b'* XLIST (\\AllMail) "/" y', listed(b"y", "/", "\\allmail", command="XLIST")),
    (
        b"* STATUS blurdy (MESSAGES 231 UIDNEXT 44292)",
        MailboxStatus(b"blurdy", {"MESSAGES": 231, "UIDNEXT": 44292}),
    ),
    (b'* STATUS "a b" (messages 1 X (2))', MailboxStatus(b"a b", {"MESSAGES": 1})),
    (b"* STATUS {1}\r\nx ()", MailboxStatus(b"x", {})),
    (
        b'* NAMESPACE (("" "/")) NIL (("Public/" "/")("x" NIL))',
        Namespaces(
            (NamespaceEntry(b"", "/"),),
            (),
            (NamespaceEntry(b"Public/", "/"), NamespaceEntry(b"x", "")),
        ),
    ),
    (
        b'* NAMESPACE (("INBOX." "." "X-PARAM" ("a" "b"))) NIL NIL',
        Namespaces((NamespaceEntry(b"INBOX.", "."),)),
    ),
    (b'* ID ("name" "Cyrus" "version" NIL)', Identity({"name": "Cyrus", "version": None})),
    (b"* ID NIL", Identity({})),
]

NUMBERS: list[tuple[bytes, Response]] = [
    (b"* 23 EXISTS", Exists(23)),
    (b"* 5 RECENT", Recent(5)),
    (b"* 44 EXPUNGE", Expunged(44)),
    (b"* 44 expunge ", Expunged(44)),
    (b"* VANISHED 405,407,409:411", Vanished(False, ((405, 405), (407, 407), (409, 411)))),
    (b"* VANISHED (EARLIER) 41,43:42", Vanished(True, ((41, 41), (42, 43)))),
    (b"* SEARCH", Found()),
    (b"* SEARCH 2 3 6", Found((2, 3, 6))),
    (b"* SEARCH 2 5 (MODSEQ 917162500)", Found((2, 5))),
    (b'* ESEARCH (TAG "A28") UID ALL 1:3,5', Found((), ((1, 3), (5, 5)), b"A28", True)),
    (
        b"* ESEARCH (TAG A1) COUNT 3 MIN 2",
        Found((), (), b"A1", False, {"COUNT": b"3", "MIN": b"2"}),
    ),
]

FETCHES: list[tuple[bytes, Response]] = [
    (b"* 1 FETCH (UID 7)", Fetched(1, 7)),
    (b"* 1 FETCH (FLAGS (\\Seen $x) UID 7)", Fetched(1, 7, flags=b"\\Seen $x")),
    (b"* 1 fetch (flags () uid 7)", Fetched(1, 7, flags=b"")),
    (
        b'* 12 FETCH (UID 4 RFC822.SIZE 44827 INTERNALDATE "17-Jul-1996 02:44:25 -0700" '
        b"MODSEQ (624140003))",
        Fetched(12, 4, size=44827, received_at=837596665, modseq=624140003),
    ),
    (b'* 1 FETCH (INTERNALDATE "nonsense")', Fetched(1)),
    (
        b"* 3 FETCH (UID 9 BODY[] {5}\r\nhello)",
        Fetched(3, 9, has_body=True, body=ServerLiteral(5, b"hello")),
    ),
    (
        b"* 3 FETCH (BODY[] {5}\r\nhello UID 9)",
        Fetched(3, 9, has_body=True, body=ServerLiteral(5, b"hello")),
    ),
    (
        b"* 3 FETCH (BODY[]<0> {0}\r\n FLAGS ())",
        Fetched(3, flags=b"", has_body=True, body=ServerLiteral(0)),
    ),
    (b"* 3 FETCH (UID 9 BODY[] NIL)", Fetched(3, 9, has_body=True)),
    (b'* 3 FETCH (BODY[] "a\\"b" UID 9)', Fetched(3, 9, has_body=True, body=b'a"b')),
    (
        b"* 3 FETCH (BINARY[1.2] ~{3}\r\na\0b)",
        Fetched(3, has_body=True, body=ServerLiteral(3, b"a\0b", binary=True)),
    ),
    (b"* 3 FETCH (RFC822 {2}\r\nhi)", Fetched(3, has_body=True, body=ServerLiteral(2, b"hi"))),
    (
        b"* 3 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] {2}\r\n\r\n)",
        Fetched(3, has_body=True, body=ServerLiteral(2, b"\r\n")),
    ),
    (
        b'* 3 FETCH (ENVELOPE (NIL "x {3}" ((NIL NIL "a" "b"))) UID 2)',
        Fetched(3, 2, others=(("ENVELOPE", (None, b"x {3}", ((None, None, b"a", b"b"),))),)),
    ),
    (
        b"* 3 FETCH (BINARY.SIZE[1] 90 X-GM-LABELS (\\Inbox {1}\r\nz) UID 2)",
        Fetched(3, 2, others=(("BINARY.SIZE[1]", b"90"), ("X-GM-LABELS", (b"\\Inbox", b"z")))),
    ),
    (b"* 3 FETCH (  UID 2  FLAGS (a) ) ", Fetched(3, 2, flags=b"a")),
    (b"* 3 FETCH ()", Fetched(3)),
    (b"* 3 FETCH (FLAGS NIL UID 2)", Fetched(3, 2, others=(("FLAGS", None),))),
]

PASSED_OVER: list[tuple[bytes, Response]] = [
    (b"* QUOTAROOT INBOX x", Unknown("QUOTAROOT")),
    (b"* 3 XFOO bar", Unknown("XFOO")),
    (b"* 3 FETCH (UID", Unknown("* 3 FETCH (UID", broken=True)),
    (b"* 3 FETCH UID 4", Unknown("* 3 FETCH UID 4", broken=True)),
    (b"* 3 FETCH (UID 4) (", Unknown("* 3 FETCH (UID 4) (", broken=True)),
    (b"* LIST INBOX", Unknown("* LIST INBOX", broken=True)),
    (b'* LIST () "ab" x', Unknown('* LIST () "ab" x', broken=True)),
    (b"* SEARCH a", Unknown("* SEARCH a", broken=True)),
    (b"* STATUS x (A)", Unknown("* STATUS x (A)", broken=True)),
    (b"* VANISHED 1:*", Unknown("* VANISHED 1:*", broken=True)),
    (b"* ID (a)", Unknown("* ID (a)", broken=True)),
    (b"", Unknown("", broken=True)),
    (b"* 3 FETCH (X " + b"(" * 300, Unknown("* 3 FETCH (X " + "(" * 27, broken=True)),
]

ALL = CONDITIONS + MAILBOXES + NUMBERS + FETCHES + PASSED_OVER


def read_all(octets: bytes, step: int) -> list[Response]:
    reader = ResponseReader(ImapClientLimits())
    found = []
    for start in range(0, len(octets), step):
        reader.feed(octets[start : start + step])
        while (frame := reader.next_frame()) is not None:
            found.append(parse_response(frame))
    assert not len(reader)
    return found


@pytest.mark.parametrize(("octets", "value"), ALL)
def test_each_alone_and_between_others(octets: bytes, value: Response) -> None:
    octets += b"\r\n"
    around = b"* 1 EXISTS\r\n" + octets + b"* 2 EXISTS\r\n"
    for step in (len(around), 1, 3):
        assert read_all(octets, step) == [value]
        assert read_all(around, step) == [Exists(1), value, Exists(2)]


@pytest.mark.timed
@pytest.mark.parametrize(
    "octets",
    [
        b"* 1 FETCH (X (" + b"a " * 400_000 + b")",
        b"* 1 FETCH (X (" + b"a " * 400_000 + b"{1}\r\nz))",
        b'* 1 FETCH (X "' + b"a" * 800_000,
        b'* 1 FETCH (X "' + b"\\a" * 400_000,
        b"* LIST () NIL " + b'"' * 800_000,
    ],
)
def test_long_lines_take_no_long_time(octets: bytes) -> None:
    started = time.process_time()
    assert len(read_all(octets + b"\r\n", len(octets) + 2)) == 1
    assert time.process_time() - started < 5


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request", b"220 mx ESMTP", b"\x16\x03\x01"])
def test_what_is_no_imap(octets: bytes) -> None:
    with pytest.raises(BadFrame, match="no IMAP"):
        parse_response((octets,))


@pytest.mark.parametrize(
    "octets",
    [
        # Announced one too few, one too many, and a message that ends with what looks like an end.
        b"* 1 FETCH (UID 1 BODY[] {4}\r\nhello)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {8}\r\nhello)\r\n* 2 FETCH (UID 2)\r\n",
        b'* LIST () "/" {9}\r\nabc\r\n* OK x\r\nA1 OK y\r\n',
    ],
)
def test_a_literal_of_another_length_is_noticed(octets: bytes) -> None:
    with pytest.raises(BadFrame, match="octets that it announced"):
        for _ in read_all(octets, len(octets)):
            pass
        raise AssertionError


@pytest.mark.parametrize(
    ("octets", "seconds"),
    [
        (b"17-Jul-1996 02:44:25 -0700", 837596665),
        (b" 1-Jan-1970 00:00:00 +0000", 0),
        (b"1-Jan-1970 01:00:00 +0100", 0),
        (b"01-jan-1970 00:00:01", 1),  # without a zone
        (b"31-Dec-1969 23:59:59 +0000", -1),
        (b"29-Feb-2001 00:00:00 +0000", None),
        (b"00-Jan-2001 00:00:00 +0000", None),
        (b"01-Foo-2001 00:00:00 +0000", None),
        (b"", None),
        (b"yesterday", None),
    ],
)
def test_dates(octets: bytes, seconds: int | None) -> None:
    assert parse_date_time(octets) == seconds
