"""Literals and lines larger than any limit: refused in bounded memory, never read as commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, imap_peer, memory, watched

FOUR_GIB = 2**32
SIZES = [FOUR_GIB, 2**31, 2**63 - 1, 2**63, 2**64, 10**18, 10**19, 10**40, 134_217_729]

BEFORE = [b"LOGIN ", b'LOGIN "someone" ', b"APPEND INBOX ", b"ID ", b""]
AFTER = [
    b"APPEND INBOX ", b"APPEND ", b"APPEND INBOX (\\Seen) ", b"SEARCH TEXT ", b"SEARCH CHARSET ",
    b"SELECT ", b"CREATE ", b'LIST "" ', b"FETCH ", b"STORE 1 FLAGS ", b"ID (", b"IDLE ", b"",
    b"APPEND INBOX UTF8 (", b"RENAME a ", b"SEARCH OR TEXT ",
]  # fmt: skip


def announce(peer: RawPeer, command: bytes, size: int, plus: bytes) -> bytes:
    """What is answered to the announcement; behind a non-synchronizing one its octets begin."""
    peer.send(b"big %b{%d%b}\r\n" % (command, size, plus))
    if plus:
        peer.send(b"evil1 NOOP\r\nevil2 LOGOUT\r\n")
    return peer.line()


@pytest.mark.parametrize("plus", [b"", b"+"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("command", BEFORE, ids=repr)
def test_before_sign_in(server: RunningServer, command: bytes, size: int, plus: bytes) -> None:
    with imap_peer(server.imap) as peer:
        assert_refused(peer, announce(peer, command, size, plus), plus)


@pytest.mark.parametrize("plus", [b"", b"+"])
@pytest.mark.parametrize("command", AFTER, ids=repr)
def test_after_sign_in(imap: RawPeer, command: bytes, plus: bytes) -> None:
    assert_refused(imap, announce(imap, command, FOUR_GIB, plus), plus)


def assert_refused(peer: RawPeer, line: bytes, plus: bytes) -> None:
    """BAD or NO, or BYE; never "+", and what follows a non-synchronizing one is not obeyed."""
    assert line.startswith((b"big BAD", b"big NO", b"* BAD", b"* BYE")), line
    if not plus:
        assert b" OK " in peer.imap(b"NOOP")
        return
    said = line + b"\r\n" + (peer.rest() if peer.is_closed(2) else b"")
    assert b"evil" not in said


def test_a_refused_literal_is_skipped_and_the_session_goes_on(imap: RawPeer, worker: int) -> None:
    with watched(worker) as peak:
        imap.send(b"big SEARCH TEXT {20000000+}\r\n")
        imap.send(b"evil NOOP\r\n" * (20_000_000 // 11) + b"x" * (20_000_000 % 11) + b"\r\n")
        assert imap.line().startswith(b"big BAD")
        assert b" OK " in imap.imap(b"NOOP")
    assert peak.growth_mib < 8


def test_a_message_over_the_limit_is_refused_before_it_is_sent(imap: RawPeer) -> None:
    imap.send(b"big APPEND INBOX {52428801}\r\n")
    assert imap.line().startswith(b"big NO [TOOBIG]")
    assert b" OK " in imap.imap(b"NOOP")


def test_more_literals_than_any_command_needs(imap: RawPeer) -> None:
    imap.send(b"big SEARCH" + b" SUBJECT {1+}\r\nx" * 3000 + b"\r\n")
    assert imap.line().startswith(b"big BAD")
    assert b" OK " in imap.imap(b"NOOP")


def test_more_messages_than_one_append_takes(imap: RawPeer, server: RunningServer, login: str):
    imap.send(b"big APPEND INBOX" + b" {16+}\r\nSubject: x\r\n\r\nyy" * 1000 + b"\r\n")
    assert imap.line().startswith(b"big NO [LIMIT]")
    assert b" OK " in imap.imap(b"NOOP")
    assert server.message_count(login) == 0


def test_more_octets_than_one_append_takes(tmp_path: Path) -> None:
    settings = {"imap": {"max_append_total": 100_000}}
    with (
        running_server(tmp_path / "small", settings=settings) as small,
        imap_peer(small.imap, *small.account) as peer,
    ):
        peer.send(b"big APPEND INBOX" + b" {40000+}\r\n" + b"x" * 40_000)
        peer.send(b" {40000+}\r\n" + b"x" * 40_000 + b" {40000+}\r\n" + b"x" * 40_000 + b"\r\n")
        assert peer.line().startswith(b"big NO [TOOBIG]")
        assert b" OK " in peer.imap(b"NOOP")
        assert small.message_count(small.account[0]) == 0


@pytest.mark.timed
@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("octet", [b"x", b"\0", b"{", b'"', b"(", b" ", b"\r", b"\xff"], ids=repr)
def test_a_line_without_end(
    server: RunningServer, login: str, worker: int, octet: bytes, signed_in: bool
) -> None:
    who = (login, PASSWORD) if signed_in else ("", "")
    with (
        imap_peer(server.imap, *who) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.send(b"tag " + octet * (8 << 20))
        assert peer.line().startswith((b"tag BAD", b"* BAD"))
        peer.send(b"\r\n")
        assert b" OK " in peer.imap(b"NOOP")
    assert peak.growth_mib < 8
    assert other.longest < PROMPT


def test_a_line_that_never_ends_is_hung_up_on(imap: RawPeer, worker: int) -> None:
    with watched(worker) as peak:
        taken = imap.push(b"x" * (160 << 20), 5)
        assert imap.is_closed(5)
    assert taken < 160 << 20
    assert peak.growth_mib < 8


@pytest.mark.parametrize("signed_in", [False, True])
def test_authenticate_with_giant_base64(
    server: RunningServer, login: str, worker: int, signed_in: bool
) -> None:
    for command in (b"AUTHENTICATE PLAIN ", b"AUTHENTICATE PLAIN\r\n", b"AUTHENTICATE LOGIN\r\n"):
        with imap_peer(server.imap) as peer, watched(worker) as peak:
            peer.send(b"big " + command + b"QUFB" * (2 << 20) + b"\r\n")
            while (line := peer.line()).startswith(b"+"):
                pass
            assert line.startswith((b"big BAD", b"big NO", b"* BAD")), line
            assert b" OK " in peer.imap(b"NOOP")
        assert peak.growth_mib < 8


def test_nul_octets_everywhere(imap: RawPeer) -> None:
    for command in (
        b"NOOP\0", b"\0NOOP", b"SELECT \0", b'SELECT "a\0b"', b"CREATE a\0b", b'SEARCH TEXT "\0"',
        b"FETCH 1 \0", b"STORE 1 +FLAGS (\0)", b'LIST "" "\0*"', b"UID \0FETCH", b"SEARCH \0",
        b'ID ("a\0" "b")', b"APPEND INBOX (\\S\0een) ",
    ):  # fmt: skip
        answer = imap.imap(command)
        assert b" BAD" in answer, (command, answer)
        assert b" OK " in imap.imap(b"CLOSE") and b" OK " in imap.imap(b"SELECT INBOX")
    imap.send(b"n CREATE {3}\r\n")
    assert imap.line().startswith(b"+")
    imap.send(b"a\0b\r\n")
    assert imap.line().startswith((b"n BAD", b"n NO"))


def test_idle_with_garbage(server: RunningServer, login: str, worker: int) -> None:
    for garbage in (
        b"x" * (1 << 20) + b"\r\n", b"\0" * 100 + b"\r\n", b"DONEX\r\n", b"a NOOP\r\n", b"\r\n",
        b"{5}\r\n", b"{4294967296+}\r\n", b"DONE {3+}\r\nabc\r\n",
    ):  # fmt: skip
        with imap_peer(server.imap, login, PASSWORD) as peer:
            peer.send(b"i IDLE\r\n")
            assert peer.line().startswith(b"+")
            peer.send(garbage)
            peer.socket.settimeout(2)
            line = peer.line()
            assert line.startswith((b"i BAD", b"* BYE", b"* BAD", b"i OK")), (garbage, line)
    assert memory(worker, "RssAnon") < 400_000
