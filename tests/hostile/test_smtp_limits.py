"""SMTP: lines, sizes, counts and NUL octets far past what is sensible."""

from __future__ import annotations

import contextlib
import socket

import pytest

from pillarbox.testing import RunningServer
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, deliver, smtp_peer, watched

SIZES = [2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**19, 10**400]


def begin(server: RunningServer, login: str, more: bytes = b"") -> RawPeer:
    peer = smtp_peer(server.smtp)
    assert peer.smtp(b"MAIL FROM:<carol@example.net>" + more).startswith(b"250")
    assert peer.smtp(b"RCPT TO:<%b>" % login.encode()).startswith(b"250")
    return peer


@pytest.mark.timed
@pytest.mark.parametrize("octet", [b"x", b"\0", b"\r", b" ", b"\xff", b"<"], ids=repr)
def test_a_command_line_without_end(server: RunningServer, worker: int, octet: bytes) -> None:
    with (
        smtp_peer(server.smtp) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.send(b"NOOP " + octet * (24 << 20) + b"\r\n")
        assert peer.smtp().startswith((b"500", b"501", b"421")), octet
    assert peak.growth_mib < 8
    assert other.longest < PROMPT


def test_nul_octets_in_commands(server: RunningServer) -> None:
    lines = [
        b"\0", b"NOOP\0", b"\0NOOP", b"MAIL\0FROM:<>", b"MAIL FROM:<\0>", b"MAIL FROM:<a\0@b.c>",
        b"MAIL FROM:<> SI\0ZE=1", b"VRFY \0", b"EHLO \0", b"EHLO a\0b", b"AUTH \0 PLAIN",
    ]  # fmt: skip
    with smtp_peer(server.smtp) as peer:
        for line in lines:
            assert peer.smtp(line)[:1] == b"5" or line in (b"NOOP\0", b"VRFY \0"), line
        assert peer.smtp(b"QUIT").startswith(b"221")


def test_nul_octets_in_a_message(server: RunningServer, login: str) -> None:
    """Kept as they came, or refused; never cut short."""
    text = (
        b"Sub\0ject: a\0b\r\nTo: \0\r\nContent-Type: te\0xt/plain\r\n\r\n" + b"\0" * 5000 + b"\r\n"
    )
    reply = deliver(server.smtp, login, text)
    assert reply[:3] in (b"250", b"550"), reply
    assert server.message_count(login) == (1 if reply.startswith(b"250") else 0)


@pytest.mark.parametrize("last", [b"", b" LAST"])
@pytest.mark.parametrize("size", SIZES)
def test_bdat_of_impossible_size(
    server: RunningServer, login: str, size: int, last: bytes, worker: int
) -> None:
    """Refused, or its octets are eaten without being kept; nothing in them is a command."""
    with begin(server, login) as peer, watched(worker) as peak:
        peer.send(b"BDAT %d%b\r\n" % (size, last))
        peer.push(b"RSET\r\nNOOP\r\nQUIT\r\n" * 500_000, 1)
        with contextlib.suppress(OSError):  # it may have hung up
            peer.socket.shutdown(socket.SHUT_WR)
        said = peer.rest()
    assert b"250 " not in said and b"221 " not in said, said
    assert server.message_count(login) == 0
    assert peak.growth_mib < 8


def test_bdat_zero(server: RunningServer, login: str) -> None:
    with begin(server, login) as peer:
        for _ in range(400):
            assert peer.smtp(b"BDAT 0").startswith(b"250")
        peer.send(b"BDAT 14\r\nSubject: x\r\n\r\n")
        assert peer.smtp().startswith(b"250")
        assert peer.smtp(b"BDAT 0 LAST").startswith(b"250")
    assert server.message_count(login) == 1


@pytest.mark.parametrize(
    "line",
    [b"BDAT", b"BDAT -1", b"BDAT 1x", b"BDAT 0x10 LAST", b"BDAT 1 2", b"BDAT \0", b"BDAT 1\0 LAST"],
)
def test_bdat_not_a_size(server: RunningServer, login: str, line: bytes) -> None:
    with begin(server, login) as peer:
        peer.send(line + b"\r\nRSET\r\nNOOP\r\n")
        said = peer.rest()
    assert said.startswith(b"501") and b"250" not in said


def test_chunks_after_the_last(server: RunningServer, login: str) -> None:
    with begin(server, login) as peer:
        peer.send(b"BDAT 14 LAST\r\nSubject: x\r\n\r\nBDAT 6 LAST\r\nRSET\r\nBDAT 0 LAST\r\n")
        assert [peer.smtp()[:3] for _ in range(3)] == [b"250", b"503", b"503"]
    assert server.message_count(login) == 1


def test_data_after_bdat(server: RunningServer, login: str) -> None:
    with begin(server, login) as peer:
        peer.send(b"BDAT 3\r\nabcDATA\r\n")
        assert [peer.smtp()[:3] for _ in range(2)] == [b"250", b"503"]
    assert server.message_count(login) == 0


def test_ten_thousand_recipients(server: RunningServer, login: str, worker: int) -> None:
    with begin(server, login) as peer, watched(worker) as peak:
        codes: list[bytes] = []
        for _ in range(10):
            peer.send(b"RCPT TO:<%b>\r\n" % login.encode() * 1000)
            codes += [peer.smtp()[:3] for _ in range(1000)]
        assert codes.count(b"250") <= 1000
        assert b"452" in codes or b"421" in codes
    assert peak.growth_mib < 16


def test_ten_thousand_unknown_recipients(server: RunningServer) -> None:
    with smtp_peer(server.smtp) as peer:
        peer.smtp(b"MAIL FROM:<carol@example.net>")
        peer.push(b"".join(b"RCPT TO:<no%d@example.org>\r\n" % n for n in range(10_000)), 1)
        said = peer.rest()
    assert said.count(b"550 ") <= 20 and said.count(b"421 ") <= 1


@pytest.mark.timed
@pytest.mark.parametrize("line", [b"NOOP", b"RSET", b"EHLO x", b"HELP", b"VRFY x"])
def test_a_hundred_thousand_commands_that_bring_nothing(
    server: RunningServer, worker: int, line: bytes
) -> None:
    with (
        smtp_peer(server.smtp) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.push((line + b"\r\n") * 100_000, 1)
        said = peer.rest()
    assert said.count(b"\r\n250 ") <= 600
    assert peak.growth_mib < 8 and other.longest < PROMPT


def test_size_told_is_believed_and_checked(server: RunningServer, login: str) -> None:
    with smtp_peer(server.smtp) as peer:
        assert peer.smtp(b"MAIL FROM:<a@example.net> SIZE=52428801").startswith(b"552")
        for size in SIZES:
            assert peer.smtp(b"MAIL FROM:<a@example.net> SIZE=%d" % size)[:1] == b"5"


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN", b"SCRAM-SHA-256"])
def test_giant_base64(server: RunningServer, worker: int, mechanism: bytes) -> None:
    for between in (b" ", b"\r\n"):
        with smtp_peer(server.submissions, tls=True) as peer, watched(worker) as peak:
            peer.push(b"AUTH " + mechanism + between + b"QUFB" * (4 << 20) + b"\r\n", 2)
            while (line := peer.smtp()).startswith(b"334"):
                pass
            assert line[:3] in (b"500", b"501", b"503", b""), line
        assert peak.growth_mib < 10


def test_a_message_larger_than_allowed_is_not_kept(
    server: RunningServer, login: str, worker: int
) -> None:
    line = b"x" * 998 + b"\r\n"
    with begin(server, login) as peer, watched(worker) as peak:
        assert peer.smtp(b"DATA").startswith(b"354")
        peer.send(b"Subject: big\r\n\r\n")
        for _ in range(60):
            peer.send(line * 1049)
        peer.send(b".\r\n")
        assert peer.smtp().startswith(b"552")
        assert peer.smtp(b"NOOP").startswith(b"250")
    assert peak.growth_mib < 24
    assert server.message_count(login) == 0


@pytest.mark.timed
def test_a_message_line_without_end(server: RunningServer, login: str, worker: int) -> None:
    with (
        begin(server, login) as peer,
        watched(worker) as peak,
        bystander(server.imap, BYSTANDER, PASSWORD) as other,
    ):
        peer.smtp(b"DATA")
        peer.send(b"Subject: x\r\n\r\n" + b"x" * (40 << 20) + b"\r\n.\r\n")
        assert peer.smtp()[:3] in (b"250", b"550", b"554")
    print(f"40 MiB line: +{peak.growth_mib:.1f} MiB")
    assert peak.growth_mib < 40 and other.longest < PROMPT
