"""Peers that drip octets, fall silent or go away without a word meet a deadline."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import BYSTANDER, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, imap_peer, memory, pop3_peer, smtp_peer

PATIENCE = 2.0  # seconds where the settings allow so few
FLOOR = 5  # the least that some settings allow
LARGE = b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 300_000  # 22 MiB


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Little patience."""
    settings: dict[str, dict[str, object]] = {
        "smtp": {
            "command_seconds": PATIENCE,
            "data_block_seconds": PATIENCE,
            "data_seconds": 2 * PATIENCE,
        },
        "imap": {"login_timeout": 5, "command_timeout": 10, "whole_command_timeout": 12,
                 "write_timeout": 10},
        "tls": {"handshake_seconds": FLOOR},
        "pop3": {"login_seconds": 5, "idle_seconds": 10, "stalled_seconds": 5},
    }  # fmt: skip
    accounts = {BYSTANDER: PASSWORD, "slow@example.org": PASSWORD}
    folder: Path = tmp_path_factory.mktemp("slow")
    with running_server(folder, accounts=accounts, settings=settings) as running:
        with imap_peer(running.imap, "slow@example.org", PASSWORD) as peer:
            peer.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(LARGE), LARGE))
            assert b"a OK" in peer.imap_reply(b"a")
        yield running


def in_data(server: RunningServer) -> RawPeer:
    peer = smtp_peer(server.smtp)
    for line in (b"MAIL FROM:<>", b"RCPT TO:<slow@example.org>", b"DATA"):
        peer.smtp(line)
    return peer


def in_bdat(server: RunningServer) -> RawPeer:
    peer = smtp_peer(server.smtp)
    for line in (b"MAIL FROM:<>", b"RCPT TO:<slow@example.org>"):
        peer.smtp(line)
    peer.send(b"BDAT 1000 LAST\r\n")
    return peer


def said(octets: bytes, peer: RawPeer) -> RawPeer:
    peer.send(octets)
    return peer


def starting_tls(line: bytes, peer: RawPeer) -> RawPeer:
    peer.send(line)
    peer.line()
    return peer


# What the peer has done when it falls silent, and in how many seconds it is hung up on.
Opening = Callable[[RunningServer], RawPeer]
SILENT: dict[str, tuple[Opening, float]] = {
    "smtp greeting": (lambda s: RawPeer(s.smtp), PATIENCE),
    "smtp": (lambda s: smtp_peer(s.smtp), PATIENCE),
    "smtp half a line": (lambda s: said(b"NOO", smtp_peer(s.smtp)), PATIENCE),
    "smtp data": (in_data, PATIENCE),
    "smtp bdat": (in_bdat, PATIENCE),
    "smtp auth": (lambda s: said(b"AUTH LOGIN\r\n", smtp_peer(s.submissions, tls=True)), PATIENCE),
    "smtp starttls": (lambda s: starting_tls(b"STARTTLS\r\n", smtp_peer(s.smtp)), FLOOR),
    "imap": (lambda s: imap_peer(s.imap), FLOOR),
    "imap half a line": (lambda s: said(b"a NOO", imap_peer(s.imap)), FLOOR),
    "imap literal": (lambda s: said(b"a LOGIN {9}\r\n", imap_peer(s.imap)), FLOOR),
    "imap auth": (lambda s: said(b"a AUTHENTICATE PLAIN\r\n", imap_peer(s.imap)), FLOOR),
    "imap half a command, signed in": (
        lambda s: said(b"a SELECT", imap_peer(s.imap, "slow@example.org", PASSWORD)), 10.0,
    ),
    "imap append, signed in": (
        lambda s: said(
            b"a APPEND INBOX {100}\r\nSub", imap_peer(s.imap, "slow@example.org", PASSWORD)
        ), 10.0,
    ),
    "imap starttls": (lambda s: starting_tls(b"a STARTTLS\r\n", imap_peer(s.imap)), FLOOR),
    "tls": (lambda s: RawPeer(s.imaps), FLOOR),
    "pop3": (lambda s: pop3_peer(s.pop3), FLOOR),
    "pop3 half a line": (lambda s: said(b"CAP", pop3_peer(s.pop3)), FLOOR),
    "pop3 auth": (lambda s: said(b"AUTH PLAIN\r\n", pop3_peer(s.pop3)), FLOOR),
    "pop3 signed in": (lambda s: pop3_peer(s.pop3, BYSTANDER, PASSWORD), 10.0),
}  # fmt: skip

# The same, but an octet comes every quarter of a second: being slow is no way to stay.
DRIPPING: dict[str, tuple[Opening, float]] = {
    "smtp line": (lambda s: smtp_peer(s.smtp), PATIENCE),
    "smtp data": (in_data, 2 * PATIENCE),
    "smtp bdat": (in_bdat, 2 * PATIENCE),
    "imap line": (lambda s: imap_peer(s.imap), FLOOR),
    "imap literal": (lambda s: said(b"a LOGIN {999+}\r\n", imap_peer(s.imap)), FLOOR),
    "imap auth": (lambda s: said(b"a AUTHENTICATE PLAIN\r\n", imap_peer(s.imap)), FLOOR),
    "imap line, signed in": (
        lambda s: said(b"a SELECT ", imap_peer(s.imap, "slow@example.org", PASSWORD)),
        12.0,
    ),
    "imap append, signed in": (
        lambda s: said(
            b"a APPEND INBOX {9999}\r\nSub", imap_peer(s.imap, "slow@example.org", PASSWORD)
        ),
        12.0,
    ),
    "imap idling": (
        lambda s: said(b"a IDLE\r\n", imap_peer(s.imap, "slow@example.org", PASSWORD)),
        12.0,
    ),
    "pop3 line": (lambda s: pop3_peer(s.pop3), FLOOR),
}


@pytest.mark.timed
def test_all_of_them_at_once_meet_their_deadline(slow_server: RunningServer) -> None:
    """Each is hung up on in its time, not before half of it, and nobody else waits."""
    ended: dict[str, float] = {}

    def wait(name: str, opening: Opening, seconds: float, drip: bool) -> None:
        with opening(slow_server) as peer:
            begin = time.monotonic()
            if drip:
                while time.monotonic() - begin < seconds + 3 and peer.send(b"x"):
                    if peer.is_closed(0.25):
                        break
            else:
                peer.is_closed(seconds + 3)
            ended[name] = time.monotonic() - begin

    waiting = [
        *[(f"silent {n}", o, s, False) for n, (o, s) in SILENT.items()],
        *[(f"dripping {n}", o, s, True) for n, (o, s) in DRIPPING.items()],
    ]
    threads = [threading.Thread(target=wait, args=one) for one in waiting]
    with bystander(slow_server.imap, BYSTANDER, PASSWORD, every=0.2) as other:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wrong = {
        name: ended.get(name)
        for name, _, seconds, _ in waiting
        if not seconds * 0.4 <= ended.get(name, 99.0) <= seconds + 2.5
    }
    assert not wrong
    assert other.longest < PROMPT


def unread(peer: RawPeer, ask: bytes) -> RawPeer:
    """Ask for 22 MiB and take only the first octets."""
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.send(ask)
    peer.exactly(10)
    return peer


@pytest.mark.timed
def test_answers_that_nobody_takes(slow_server: RunningServer) -> None:
    """A client that stops reading holds a few buffers for some seconds, then nothing."""
    worker = slow_server.pids[1]
    before = memory(worker, "RssAnon")
    who = ("slow@example.org", PASSWORD)
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            peer = stack.enter_context(imap_peer(slow_server.imap, *who))
            peer.imap(b"SELECT INBOX")
            unread(peer, b"a FETCH 1 BODY[]\r\n")
        pop3 = stack.enter_context(pop3_peer(slow_server.pop3, *who))
        unread(pop3, b"RETR 1\r\n")
        with bystander(slow_server.imap, BYSTANDER, PASSWORD) as other:
            time.sleep(1)
        grown = (memory(worker, "RssAnon") - before) / 1024
        assert grown < 24, f"+{grown:.0f} MiB"
        while time.monotonic() - begin < 14 and open_sockets(slow_server) > 0:
            time.sleep(0.2)
        assert open_sockets(slow_server) == 0
    assert other.longest < PROMPT


def open_sockets(server: RunningServer) -> int:
    """Established connections at the IMAP and POP3 ports, on the server's side."""
    ports = {f"{server.imap:04X}", f"{server.pop3:04X}"}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = {row[9] for row in rows if row[1].split(":")[1] in ports and row[3] == "01"}
    held = set()
    for fd in Path(f"/proc/{server.pids[1]}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(fd.readlink()))
    return sum(f"socket:[{one}]" in held for one in inode)


def test_half_open_connections_are_given_up(slow_server: RunningServer) -> None:
    """Peers that half-close and read nothing more, many of them."""
    peers = [RawPeer(slow_server.ports[door]) for door in ("smtp", "imap", "pop3") * 20]
    for peer in peers:
        peer.socket.shutdown(socket.SHUT_WR)
    assert all(peer.is_closed(3) for peer in peers)
    for peer in peers:
        peer.close()
