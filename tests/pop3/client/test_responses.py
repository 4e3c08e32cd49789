"""Octets of a POP3 server as responses: any chunking, dots, bare line feeds, nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.pop3.client.capabilities import parse_capabilities
from pillarbox.pop3.client.listing import ListLines, parse_numbered
from pillarbox.pop3.client.responses import (
    BadResponse,
    Challenge,
    Piece,
    ResponseReader,
    Status,
    parse_status,
)
from pillarbox.pop3.wire.replies import DotStuffer

LONGEST = 64


def read(octets: bytes, bodies: list[bool], chunk: int = 0) -> list[Status | Challenge | bytes]:
    """All responses; a body's pieces joined."""
    reader = ResponseReader(max_line_octets=LONGEST)
    for body in bodies:
        reader.expect(body=body)
    found: list[Status | Challenge | bytes] = []
    body = b""
    step = chunk or max(len(octets), 1)
    for at in range(0, len(octets), step):
        reader.feed(octets[at : at + step])
        while (frame := reader.next_frame()) is not None:
            if not isinstance(frame, Piece):
                found.append(frame)
                continue
            body += frame.octets
            if frame.last:
                found.append(body)
                body = b""
    if body:
        found.append(b"unfinished " + body)
    return found


CASES = [
    (b"+OK\r\n", [False], [Status(True)]),
    (b"+OK hello there\r\n", [False], [Status(True, "hello there")]),
    (b"+ok hello\n", [False], [Status(True, "hello")]),
    (b"-ERR no\r\n", [True], [Status(False, "no")]),
    (b"-ERR [IN-USE] Locked.\r\n", [False], [Status(False, "Locked.", "IN-USE")]),
    (b"-ERR [sys/temp] later\r\n", [False], [Status(False, "later", "SYS/TEMP")]),
    (b"+OK [not a code]\r\n", [False], [Status(True, "[not a code]")]),
    (b"-ERR [two words] no\r\n", [False], [Status(False, "[two words] no")]),
    (b"-ERR \x1b[31mred\r\n", [False], [Status(False, "\\x1b[31mred")]),
    (b"+ \r\n+ abc=\r\n+OK\r\n", [False], [Challenge(b""), Challenge(b"abc="), Status(True)]),
    (b"+OK\r\n.\r\n", [True], [Status(True), b""]),
    (b"+OK\r\na\r\n.\r\n", [True], [Status(True), b"a\r\n"]),
    (b"+OK\r\n..\r\n.\r\n", [True], [Status(True), b".\r\n"]),
    (b"+OK\r\n..a\r\n...\r\n.b\r\n.\r\n", [True], [Status(True), b".a\r\n..\r\nb\r\n"]),
    (b"+OK\r\na.\r\n.\r\n", [True], [Status(True), b"a.\r\n"]),
    (b"+OK\r\n\r\n.\r\n", [True], [Status(True), b"\r\n"]),
    (b"+OK\na\n.\n", [True], [Status(True), b"a\n"]),
    (b"+OK\r\na\n..b\n.\r\n", [True], [Status(True), b"a\n.b\n"]),
    (b"+OK\r\na\r\n.\rb\r\n.\r\n", [True], [Status(True), b"a\r\n\rb\r\n"]),
    (b"+OK\r\na", [True], [Status(True), b"unfinished a"]),
    (
        b"+OK\r\na\r\n.\r\n-ERR no\r\n+OK two\r\n.\r\n+OK\r\n",
        [True, True, True, False],
        [Status(True), b"a\r\n", Status(False, "no"), Status(True, "two"), b"", Status(True)],
    ),
]


@pytest.mark.parametrize("chunk", [0, 1, 2, 3, 7])
@pytest.mark.parametrize(("octets", "bodies", "expected"), CASES)
def test_responses(octets: bytes, bodies: list[bool], expected: list, chunk: int) -> None:
    assert read(octets, bodies, chunk) == expected


@pytest.mark.parametrize(
    "octets", [b"OK\r\n", b"220 mx\r\n", b"\r\n", b"* OK IMAP4\r\n", b"+OKAY\r\n", b"-ERROR\r\n"]
)
def test_what_is_no_pop3(octets: bytes) -> None:
    with pytest.raises(BadResponse):
        read(octets, [False])


def test_lines_are_bounded_and_bodies_are_not() -> None:
    for octets in (b"+OK " + b"x" * LONGEST + b"\r\n", b"+OK " + b"x" * LONGEST):
        with pytest.raises(BadResponse):
            read(octets, [False])
    assert read(b"+OK\r\n" + b"x" * 100_000 + b"\r\n.\r\n", [True])[1] == b"x" * 100_000 + b"\r\n"


def test_what_waits_is_told() -> None:
    reader = ResponseReader(max_line_octets=LONGEST)
    reader.feed(b"+OK\r\n+OK unasked")
    reader.expect(body=False)
    assert reader.next_frame() == Status(True)
    assert reader.awaited == 0
    assert len(reader) == len(b"+OK unasked")


bodies = st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"a", b"..", b"x.y"])).map(b"".join)


@given(st.lists(bodies, min_size=1, max_size=4), st.integers(1, 9))
def test_what_our_own_stuffing_sends(messages: list[bytes], chunk: int) -> None:
    """The server's stuffing and this reading are each other's reverse, but for a last line end."""
    wire = b""
    for message in messages:
        stuffer = DotStuffer()
        wire += b"+OK\r\n" + stuffer.feed(message) + stuffer.finish()
    found = read(wire, [True] * len(messages), chunk)
    for message, got in zip(messages, found[1::2], strict=True):
        assert got == message or (isinstance(got, bytes) and got.rstrip(b"\r\n") == (
            message.rstrip(b"\r\n")
        ))  # fmt: skip


def test_capabilities() -> None:
    found = parse_capabilities(
        ["TOP", "sasl PLAIN scram-sha-256", "LOGIN-DELAY 900 USER", "EXPIRE 30 USER", "", "x y z",
         "IMPLEMENTATION Shlemazle-Plotz-v302"]
    )  # fmt: skip
    assert found.top and found.known and not found.uidl
    assert found.sasl == ("PLAIN", "SCRAM-SHA-256")
    assert (found.login_delay, found.expire) == (900, "30 USER")
    assert found.implementation == "Shlemazle-Plotz-v302"
    assert parse_capabilities(["LOGIN-DELAY", "LOGIN-DELAY soon"]).login_delay == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"1 120", (1, b"120")),
        (b" 2  whqtswO00WBw418f9t5JxYwZ ", (2, b"whqtswO00WBw418f9t5JxYwZ")),
        (b"3", (3, b"")),
        (b"0 5", None),
        (b"x 5", None),
        (b"", None),
        (b"12345678901 5", None),
    ],
)
def test_lines_of_lists(line: bytes, expected: tuple[int, bytes] | None) -> None:
    assert parse_numbered(line) == expected


def test_lists_come_in_pieces() -> None:
    lines = ListLines(16)
    assert lines.feed(b"1 1") == []
    assert lines.feed(b"0\r\n2 20\n3") == [b"1 10", b"2 20"]
    assert lines.feed(b" 30\r\n") == [b"3 30"]
    with pytest.raises(BadResponse):
        lines.feed(b"x" * 17)


def test_a_status_alone() -> None:
    assert parse_status(b"+OK\tpop3 ready") == Status(True, "pop3 ready")
