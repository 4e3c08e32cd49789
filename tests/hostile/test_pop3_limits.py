"""POP3: lines, numbers and bursts far past what is sensible."""

from __future__ import annotations

import contextlib

import pytest

from pillarbox.testing import RunningServer
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, deliver, pop3_peer, watched

NUMBERS = [b"0", b"-1", b"2147483648", b"4294967296", b"18446744073709551616", b"9" * 1500, b"1e3",
           b"0x1", b"\xd9\xa1", b"1 1 1", b"*", b"1:2"]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("verb", [b"RETR", b"DELE", b"LIST", b"UIDL", b"TOP"])
def test_numbers_that_are_none(pop3: RawPeer, verb: bytes, number: bytes) -> None:
    line = verb + b" " + number + (b" 99999999999999999999" if verb == b"TOP" else b"")
    assert pop3.pop3(line).startswith(b"-ERR")
    assert pop3.pop3(b"NOOP").startswith(b"+OK")


def test_top_with_more_lines_than_there_are_numbers(server: RunningServer, login: str) -> None:
    assert deliver(server.smtp, login, b"Subject: x\r\n\r\ntext\r\n").startswith(b"250")
    with pop3_peer(server.pop3, login, PASSWORD) as peer:
        for lines in (b"4294967296", b"18446744073709551616", b"9" * 1000):
            if peer.pop3(b"TOP 1 " + lines).startswith(b"+OK"):
                assert b"text" in peer.up_to(b"\r\n.\r\n")
        assert peer.pop3(b"NOOP").startswith(b"+OK")


@pytest.mark.timed
@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("octet", [b"x", b"\0", b"\r", b"\xff", b" "], ids=repr)
def test_a_line_without_end(
    server: RunningServer, login: str, worker: int, octet: bytes, signed_in: bool
) -> None:
    who = (login, PASSWORD) if signed_in else ("", "")
    with (
        pop3_peer(server.pop3, *who) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.push(b"NOOP " + octet * (16 << 20) + b"\r\n", 2)
        assert peer.line()[:4] in (b"-ERR", b"")
    assert peak.growth_mib < 8
    assert other.longest < PROMPT


def test_nul_octets(pop3: RawPeer) -> None:
    for line in (b"NOOP\0", b"\0", b"RETR 1\0", b"RETR \0", b"LANG \0", b"UIDL 1\0"):
        assert pop3.pop3(line).startswith(b"-ERR"), line
    assert pop3.pop3(b"STAT").startswith(b"+OK 0 0")


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN", b"SCRAM-SHA-256"])
def test_giant_base64(server: RunningServer, worker: int, mechanism: bytes) -> None:
    for between in (b" ", b"\r\n"):
        with pop3_peer(server.pop3s, tls=True) as peer, watched(worker) as peak:
            peer.push(b"AUTH " + mechanism + between + b"QUFB" * (4 << 20) + b"\r\n", 2)
            while (line := peer.line()).startswith(b"+ "):
                pass
            assert line[:4] in (b"-ERR", b""), line
        assert peak.growth_mib < 8


@pytest.mark.timed
@pytest.mark.parametrize("line", [b"NOOP", b"STAT", b"CAPA", b"LIST", b"UIDL", b"RSET"])
def test_commands_without_end(
    server: RunningServer, pop3: RawPeer, worker: int, line: bytes
) -> None:
    """Nobody reads the answers: reading pauses, memory is bounded, others have their turn."""
    with watched(worker) as peak, bystander(server.imap, BYSTANDER, PASSWORD) as other:
        taken = pop3.push((line + b"\r\n") * 3_000_000, 0.5)
    assert taken < 3_000_000 * 6
    assert peak.growth_mib < 32  # the indexer of earlier tests is in it
    assert other.longest < PROMPT


def test_nonsense_is_cut_off(server: RunningServer) -> None:
    with pop3_peer(server.pop3) as peer:
        peer.push(b"\x80\x81\r\n" * 10_000, 1)
        with contextlib.suppress(OSError):
            assert peer.rest().count(b"-ERR") <= 30


def test_a_second_session_waits_its_turn_without_harm(
    server: RunningServer, login: str, pop3: RawPeer
) -> None:
    with pop3_peer(server.pop3) as second:
        second.pop3(b"USER " + login.encode())
        assert second.pop3(b"PASS " + PASSWORD.encode()).startswith(b"-ERR [IN-USE]")
    assert pop3.pop3(b"STAT").startswith(b"+OK")
