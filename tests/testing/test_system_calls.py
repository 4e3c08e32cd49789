"""What operations ask of the system, counted under strace in a running worker. Never times.

A number that grows is a decision, not a failure: raise it here with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.raw_peer import RawPeer, imap_peer, pop3_peer, smtp_peer
from support.store_box import letter
from support.strace import parse
from support.system_calls import OTHER, Counted, count_calls, kind_of

pytestmark = pytest.mark.slow

LOGIN, PASSWORD = "alice@example.org", "alice-secret"
KEPT = 20  # messages that are there at first
WARM = 10  # operations before those that are counted: caches, threads, the segment
IDLE_SECONDS = 2.0  # two rounds of what comes once a second


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One worker, its search indexer at rest: that works behind the answers, as the clock says."""
    with running_server(
        tmp_path_factory.mktemp("called"),
        workers=1,
        accounts={LOGIN: PASSWORD},
        settings={"store": {"index_seconds": 3600.0}},
    ) as running:
        with smtp_peer(running.smtp) as peer:
            for number in range(KEPT):
                deliver(peer, number)
        time.sleep(1.0)  # what is written behind the answers
        yield running


@pytest.fixture(scope="module")
def idle(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    log = tmp_path_factory.mktemp("idle") / "trace"
    return count_calls(server.pids[1], log, lambda: time.sleep(IDLE_SECONDS))


def message(number: int) -> bytes:
    """4 KiB, no two alike."""
    return letter(f"Letter {number}", "\r\n".join(f"{number:06} {n:058}" for n in range(60)))


def deliver(peer: RawPeer, number: int) -> None:
    peer.send(
        b"MAIL FROM:<load@example.net>\r\nRCPT TO:<%b>\r\nDATA\r\n" % LOGIN.encode(),
    )
    assert [peer.smtp()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
    peer.send(message(number) + b".\r\n")
    assert peer.smtp().startswith(b"250")


def append(peer: RawPeer, number: int) -> None:
    raw = message(1_000_000 + number)
    peer.send(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(raw), raw))
    assert b"a OK" in peer.imap_reply(b"a")


def retrieve(peer: RawPeer, number: int) -> None:
    assert peer.pop3(b"RETR %d" % (number % KEPT + 1)).startswith(b"+OK")
    assert peer.up_to(b"\r\n.\r\n")


def imap(command: str) -> Callable[[RawPeer, int], None]:
    def say(peer: RawPeer, number: int) -> None:
        line = command.format(n=number % KEPT + 1, sign="+-"[number % 2])
        assert b" OK " in peer.imap(line.encode())[-200:]

    return say


# By kind, for one operation; a kind that is not named may come once in four operations. Waiting
# for locks of the interpreter (futex) depends on the machine's load and has a wide bound. getpid
# is `asyncio.get_running_loop` in Python 3.11, epoll one wait for each thing that wakes the loop.
ASKED = {"socket in": 1, "socket out": 1, "epoll": 3, "getpid": 10, "futex": 10}
WRITTEN = {  # what any commit takes
    "sync": 1,  # of the database's log
    "lock": 14,  # one file lock among processes, taken and given back; the rest are SQLite's
    "wake": 6,  # the writer's thread is done, its waiters are told; one write and read each
    "file": 2,  # whether another worker has news: the time of a folder
    "epoll": 8,
    "getpid": 26,
    "futex": 150,  # the loop and the writer's thread hand each other the interpreter
}
READ_AHEAD = {"octets read": 1}  # one piece of a segment
OPERATIONS: dict[str, tuple[int, dict[str, float]]] = {
    "delivery": (
        40,
        {
            **ASKED,
            **WRITTEN,
            "socket in": 2,  # MAIL, RCPT and DATA; the message
            "socket out": 2,  # three replies; the last
            "sync": 2,  # the segment, then the log
            "octets written": 1,
            "rows written": 26,  # nine or ten pages of the log, each with a head
            "rows read": 6,
            OTHER: 1.5,  # the log's line
        },
    ),
    "APPEND": (
        40,
        {
            **ASKED,
            **WRITTEN,
            "sync": 2,
            "octets written": 1,
            "rows written": 26,
            "rows read": 10,
        },
    ),
    # What it wrote is not read again behind it, so fewer locks, and hardly a page.
    "STORE": (40, {**ASKED, **WRITTEN, "lock": 9, "rows written": 10, "rows read": 2}),
    "NOOP": (100, {**ASKED, "lock": 2.2}),  # one pragma: did another worker write?
    "STATUS": (100, {**ASKED, "lock": 2.2}),
    "FETCH FLAGS": (100, ASKED),  # from memory alone
    "FETCH BODY[]": (100, {**ASKED, **READ_AHEAD, "lock": 2.2, "rows read": 1}),
    "RETR": (50, {**ASKED, **READ_AHEAD, "rows read": 1}),
}
COMMANDS = {
    "STORE": "STORE 7 {sign}FLAGS (\\Flagged)",
    "NOOP": "NOOP",
    "STATUS": "STATUS INBOX (MESSAGES UIDNEXT)",
    "FETCH FLAGS": "FETCH {n} (FLAGS)",
    "FETCH BODY[]": "FETCH {n} (FLAGS BODY.PEEK[])",
}
UNNAMED = 0.25
SLACK = 5  # calls in all: a checkpoint of the database may fall among the operations
UNCOUNTED = {"journeys"}  # many operations in one write, once in a while


@pytest.mark.timed
@pytest.mark.parametrize("what", OPERATIONS)
def test_one_operation(server: RunningServer, idle: Counted, tmp_path: Path, what: str) -> None:
    times, bounds = OPERATIONS[what]
    others = {"delivery": deliver, "APPEND": append, "RETR": retrieve}
    operation = imap(COMMANDS[what]) if what in COMMANDS else others[what]
    with connected(server, what) as peer:
        repeat(operation, peer, WARM, 1000)
        work = partial(repeat, operation, peer, times, 2000)
        counted = count_calls(server.pids[1], tmp_path / "trace", work)
    each = counted.each(times, idle)
    print(what, {kind: count for kind, count in sorted(each.items()) if count >= 0.1})
    for kind, count in each.items():
        bound = bounds.get(kind, UNNAMED)
        over = count > bound + SLACK / times and kind not in UNCOUNTED
        assert not over, f"{kind}: {count}, not {bound}:\n{counted.shown(kind)}"
    for kind in ("socket in", "socket out"):
        assert each[kind] > 0.9, "the trace holds the operations"


def repeat(operation: Callable[[RawPeer, int], None], peer: RawPeer, times: int, at: int) -> None:
    for number in range(at, at + times):
        operation(peer, number)


def connected(server: RunningServer, what: str) -> RawPeer:
    if what == "delivery":
        return smtp_peer(server.smtp)
    if what == "RETR":
        return pop3_peer(server.pop3, LOGIN, PASSWORD)
    peer = imap_peer(server.imap, LOGIN, PASSWORD)
    assert b" OK " in peer.imap(b"SELECT INBOX")
    return peer


def test_kinds_of_calls() -> None:
    text = "\n".join(
        [
            '7 read(5<TCP:[127.0.0.1:25->127.0.0.1:9]>, "x", 10) = 1',
            "7 read(5<TCP:[127.0.0.1:25->127.0.0.1:9]>, 0x1, 10) = -1 EAGAIN (again)",
            '7 pwrite64(6</data/pillarbox.db-wal>, "x", 1, 2) = 1',
            '7 pwrite64(6</data/journeys.db-wal>, "x", 1, 2) = 1',
            '8 write(9<anon_inode:[eventfd]>, "x", 8) = 8',
            "8 fdatasync(6</data/blobs/00000257.seg>) = 0",
            "8 getpid() = 7",
            "8 uname({}) = 0",
        ]
    )
    kinds = [kind_of(call) for call in parse(text, failed_too=True)]
    wanted = ["socket in"] * 2 + ["rows written", "journeys", "wake", "sync", "getpid", OTHER]
    assert kinds == wanted
    resting = Counted(parse("8 getpid() = 7\n" * 20), 2.0)
    busy = Counted(parse("8 getpid() = 7\n" * 50), 4.0)
    assert busy.each(5, resting) == {"getpid": 2.0}
