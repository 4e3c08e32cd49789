"""A message of 50 MiB is never held whole, coming in or going out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import Peak, bystander, imap_peer, memory, pop3_peer, smtp_peer, watched

MIB = 1 << 20
SIZE = 50 * MIB - 4096
BOUND = 40  # MiB of growth
LINES = b"".join(os.urandom(38).hex().encode() + b"\r\n" for _ in range(13_000))  # 1 MiB
HEAD = b"Subject: large\r\nContent-Type: text/plain\r\n\r\n"
LARGE = HEAD + (LINES * 52)[: SIZE - len(HEAD) - 2] + b"\r\n"


@pytest.fixture(scope="module")
def large_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Fresh, so that its memory is that of these messages."""
    folder: Path = tmp_path_factory.mktemp("large")
    logins = ["large@example.org", "appended@example.org", "chunks@example.org"]
    accounts = dict.fromkeys([BYSTANDER, *logins], PASSWORD)
    with running_server(folder, accounts=accounts) as running:
        with imap_peer(running.imap, BYSTANDER, PASSWORD):
            pass
        deliver_large(running, BYSTANDER, LARGE[: 2 * MIB])  # warm
        yield running


def deliver_large(server: RunningServer, login: str, message: bytes) -> None:
    with smtp_peer(server.smtp) as peer:
        peer.smtp(b"MAIL FROM:<>")
        peer.smtp(b"RCPT TO:<%b>" % login.encode())
        peer.smtp(b"DATA")
        peer.send(message + b"\r\n.\r\n")
        assert peer.smtp().startswith(b"250")


def report(what: str, peak: Peak, worker: int) -> None:
    print(f"{what}: +{peak.growth_mib:.1f} MiB (VmHWM {memory(worker, 'VmHWM') // 1024} MiB)")
    assert peak.growth_mib < BOUND


@pytest.mark.timed
def test_received_over_smtp_then_read_in_all_ways(large_server: RunningServer) -> None:
    worker, login = large_server.pids[1], "large@example.org"
    with watched(worker) as peak, bystander(large_server.imap, BYSTANDER, PASSWORD) as other:
        deliver_large(large_server, login, LARGE)
    report("SMTP DATA", peak, worker)
    assert other.longest < PROMPT
    with imap_peer(large_server.imap, login, PASSWORD) as peer:
        peer.imap(b"SELECT INBOX")
        for command in (
            b"FETCH 1 (BODY.PEEK[])", b"FETCH 1 (BODY.PEEK[TEXT])", b"FETCH 1 (BINARY.PEEK[1])",
            b"FETCH 1 (BODY.PEEK[]<40000000.10485760>)", b"FETCH 1 (RFC822)",
            b"FETCH 1 (BODYSTRUCTURE ENVELOPE PREVIEW)", b"SEARCH TEXT nothing",
            b"SEARCH BODY nothing", b"COPY 1 Archive",
        ):  # fmt: skip
            with (
                watched(worker) as peak,
                bystander(large_server.imap, BYSTANDER, PASSWORD) as other,
            ):
                answer = peer.imap(command)
            assert b" OK " in answer[-200:]
            report(command.decode(), peak, worker)
            assert other.longest < PROMPT
            if b"BODY.PEEK[])" in command:
                assert LARGE in answer
    with pop3_peer(large_server.pop3, login, PASSWORD) as peer, watched(worker) as peak:
        assert peer.pop3(b"RETR 1").startswith(b"+OK")
        assert len(peer.up_to(b"\r\n.\r\n")) > SIZE
    report("POP3 RETR", peak, worker)


@pytest.mark.timed
def test_received_over_imap(large_server: RunningServer) -> None:
    worker = large_server.pids[1]
    with imap_peer(large_server.imap, "appended@example.org", PASSWORD) as peer:
        with watched(worker) as peak, bystander(large_server.imap, BYSTANDER, PASSWORD) as other:
            peer.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(LARGE), LARGE))
            assert b"a OK" in peer.imap_reply(b"a")
        report("IMAP APPEND", peak, worker)
        assert other.longest < PROMPT


def test_received_in_chunks(large_server: RunningServer) -> None:
    worker = large_server.pids[1]
    with smtp_peer(large_server.smtp) as peer, watched(worker) as peak:
        peer.smtp(b"MAIL FROM:<>")
        peer.smtp(b"RCPT TO:<chunks@example.org>")
        peer.send(b"BDAT %d LAST\r\n" % len(LARGE) + LARGE)
        assert peer.smtp().startswith(b"250")
    report("SMTP BDAT", peak, worker)
