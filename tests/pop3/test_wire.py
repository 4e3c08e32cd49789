"""POP3's wire: lines, commands, answers, dots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.net.secret import Secret
from pillarbox.pop3.wire.lines import LineCutter, LineTooLong
from pillarbox.pop3.wire.replies import Code, Continue, DotStuffer, Err, Ok, TopCutter
from pillarbox.pop3.wire.requests import (
    Apop,
    Auth,
    BadSyntax,
    Lang,
    Listing,
    Numbered,
    Pass,
    Request,
    Simple,
    Top,
    User,
    command_name,
    parse_request,
)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (b"STAT", Simple("STAT")),
        (b"stat ", Simple("STAT")),
        (b"Quit", Simple("QUIT")),
        (b"USER alice@example.org", User("alice@example.org")),
        (b"USER  alice ", User("alice")),
        (b"USER al ice", User("al ice")),
        ("USER jörg".encode(), User("jörg")),
        (b"PASS secret", Pass(Secret(b"secret"))),
        (b"PASS  two words ", Pass(Secret(b" two words "))),
        (b"PASS", Pass(Secret(b""))),
        (b"RETR 3", Numbered("RETR", 3)),
        (b"dele  0012", Numbered("DELE", 12)),
        (b"LIST", Listing("LIST", None)),
        (b"LIST 9999999999", Listing("LIST", 9999999999)),
        (b"UIDL 1", Listing("UIDL", 1)),
        (b"TOP 1 0", Top(1, 0)),
        (b"LANG", Lang(None)),
        (b"LANG *", Lang("*")),
        (b"AUTH", Auth("")),
        (b"AUTH plain", Auth("PLAIN")),
        (b"AUTH PLAIN =", Auth("PLAIN", Secret("="))),
        (b"AUTH PLAIN AGEAYg==", Auth("PLAIN", Secret("AGEAYg=="))),
        (b"APOP a b", Apop()),
    ],
)
def test_commands(line: bytes, request_: Request) -> None:
    assert parse_request(line) == request_


@pytest.mark.parametrize(
    "line",
    [
        b"", b" ", b"STAT 1", b"QUIT now", b"USER", b"USER ", b"USER a\0b", b"USER \xff",
        b"RETR", b"RETR 0", b"RETR -1", b"RETR +1", b"RETR x", b"RETR 1 2", b"RETR 10000000000",
        b"RETR \xc2\xb2", b"LIST 0", b"TOP 1", b"TOP 0 1", b"TOP 1 x", b"TOP 1 2 3", b"LANG a b",
        b"AUTH PLAIN a b", b"AUTH \xff", b"APOP a", b"XTND X", b"\xff\xfe",
        b" STAT",
    ],
)  # fmt: skip
def test_what_is_no_command(line: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_request(line)


def test_passwords_do_not_show() -> None:
    assert "secret" not in repr(parse_request(b"PASS secret"))


def test_names_for_counting_are_bounded() -> None:
    assert command_name(b"retr 1") == "RETR"
    assert command_name(b"whatever the peer likes") == "?"


@pytest.mark.parametrize(
    ("reply", "octets"),
    [
        (Ok(), b"+OK\r\n"),
        (Ok("hello"), b"+OK hello\r\n"),
        (Err("no"), b"-ERR no\r\n"),
        (Err("no", Code.IN_USE), b"-ERR [IN-USE] no\r\n"),
        (Err("no", Code.SYS_TEMP), b"-ERR [SYS/TEMP] no\r\n"),
        (Continue(b""), b"+ \r\n"),
        (Continue(b"Username:"), b"+ VXNlcm5hbWU6\r\n"),
    ],
)
def test_answers(reply: Ok | Err | Continue, octets: bytes) -> None:
    assert reply.encode() == octets


def cut(cutter: LineCutter, octets: bytes, step: int) -> list[bytes | None]:
    """Lines of octets fed in steps; None stands for one that was too long."""
    found: list[bytes | None] = []
    for at in range(0, len(octets), step):
        cutter.feed(octets[at : at + step])
        while cutter.has_line:
            try:
                line = cutter.next_line()
            except LineTooLong:
                found.append(None)
            else:
                assert line is not None
                found.append(line)
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_lines(step: int) -> None:
    cutter = LineCutter(16)
    octets = b"STAT\r\nLIST\n\r\n" + b"x" * 100 + b"\r\nNOOP\r\n" + b"y" * 14 + b"\r\nhalf"
    assert cut(cutter, octets, step) == [b"STAT", b"LIST", b"", None, b"NOOP", b"y" * 14]
    assert cutter.waiting == 4
    assert cutter.next_line() is None


def test_a_line_without_end_keeps_no_memory() -> None:
    cutter = LineCutter(512)
    for _ in range(1000):
        cutter.feed(b"z" * 1000)
        while cutter.has_line:
            with pytest.raises(LineTooLong):
                cutter.next_line()
        assert cutter.waiting <= 512
    assert cut(cutter, b"\r\nNOOP\r\n", 100) == [b"NOOP"]


def stuff(octets: bytes, steps: list[int]) -> bytes:
    """Stuffed in chunks of these lengths."""
    stuffer, out, at = DotStuffer(), b"", 0
    for step in [*steps, len(octets)]:
        out += stuffer.feed(octets[at : at + step])
        at += step
    return out + stuffer.finish()


def stuff_slowly(octets: bytes) -> bytes:
    """The specification: octet by octet."""
    out, line_start = bytearray(), True
    for octet in octets:
        if line_start and octet == 0x2E:
            out.append(octet)
        out.append(octet)
        line_start = octet == 0x0A
    if octets and not octets.endswith(b"\r\n"):
        out += b"\n" if octets.endswith(b"\r") else b"\r\n"
    return bytes(out) + b".\r\n"


pieces = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\r\n.", b""])).map(b"".join)


@given(pieces, st.lists(st.integers(0, 5)))
def test_stuffing_is_as_specified(octets: bytes, steps: list[int]) -> None:
    assert stuff(octets, steps) == stuff_slowly(octets)


@pytest.mark.parametrize("far", [*range(4088, 4104), 8190, 8191, 8192, 20_000])
def test_a_dot_is_doubled_however_far_it_is_from_others(far: int) -> None:
    """Text behind a dot is looked through in pieces; a line may begin where two of them meet."""
    octets = b"a.b" + b"x" * far + b"\r\n.\r\nend"
    assert stuff(octets, []) == stuff_slowly(octets)


def top(octets: bytes, lines: int, steps: list[int]) -> bytes:
    cutter, out, at = TopCutter(lines), b"", 0
    for step in [*steps, len(octets)]:
        out += cutter.feed(octets[at : at + step])
        at += step
    return out


def top_slowly(octets: bytes, lines: int) -> bytes:
    """Line by line: all up to the empty line, then so many."""
    out, in_body = b"", False
    for line in _lines(octets):
        if in_body:
            if not lines:
                break
            lines -= 1
        out += line
        in_body = in_body or line in (b"\n", b"\r\n")
    return out


def _lines(octets: bytes) -> list[bytes]:
    parts = octets.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@given(pieces, st.integers(0, 4), st.lists(st.integers(0, 5)))
def test_top_is_as_specified(octets: bytes, lines: int, steps: list[int]) -> None:
    assert top(octets, lines, steps) == top_slowly(octets, lines)
