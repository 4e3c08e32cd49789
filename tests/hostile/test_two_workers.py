"""Limits hold for the machine, not for each worker: two workers, one address, one account."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import LONG, PASSWORD
from support.raw_peer import RawPeer, imap_peer
from support.server import wait_until

OWNER = "owner@example.org"
HOME = "127.0.1.7"
ATTACKER = "127.0.6.6"
PER_ADDRESS = 100
FLOOD = 5000 if LONG else 400
FREE = 5  # auth.throttle.free_failures


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[RunningServer]:
    limits = {"connections_per_address": PER_ADDRESS, "unlimited_addresses": ()}
    throttle = {"longest_wait_seconds": 1, "free_failures": FREE}
    settings = {"limits": limits, "auth": {"throttle": throttle}}
    with running_server(
        tmp_path / "pair", workers=2, accounts={OWNER: PASSWORD}, settings=settings
    ) as running:
        yield running


def worker_of(server: RunningServer, peer: RawPeer) -> int:
    """The process at the other end, found by its socket's inode."""
    mine = peer.socket.getsockname()
    address = socket.inet_aton(mine[0])[::-1].hex().upper()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        row = line.split()
        if row[2] == f"{address}:{mine[1]:04X}":
            wanted = f"socket:[{row[9]}]"
            for pid in server.pids[1:]:
                for fd in Path(f"/proc/{pid}/fd").iterdir():
                    if fd.is_symlink() and os.readlink(fd) == wanted:
                        return pid
    raise AssertionError("no worker holds this connection")


def flood(server: RunningServer, count: int) -> tuple[list[RawPeer], list[RawPeer]]:
    """Those let in, and all; one after the other, so that both workers have their turn."""
    inside, peers = [], []
    for _ in range(count):
        peers.append(RawPeer(server.imap, source=ATTACKER))
        if peers[-1].line().startswith(b"* OK"):
            inside.append(peers[-1])
    return inside, peers


def test_one_address_gets_one_share_of_both_workers(pair: RunningServer) -> None:
    inside, peers = flood(pair, FLOOD)
    try:
        assert len(inside) == PER_ADDRESS
        by_worker = [worker_of(pair, peer) for peer in inside]
        assert set(by_worker) == set(pair.pids[1:]), "the kernel spreads them over both"
    finally:
        for peer in peers:
            peer.close()


def test_a_killed_workers_places_are_given_back(pair: RunningServer) -> None:
    inside, peers = flood(pair, PER_ADDRESS)
    victim = worker_of(pair, inside[0])
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(pair.pids) == 3 and victim not in pair.pids, what="a new worker")
    left = [peer for peer in inside if not peer.is_closed(0.2)]
    assert 0 < len(left) < PER_ADDRESS
    again, more = flood(pair, 2 * PER_ADDRESS)
    for peer in peers + more:
        peer.close()
    assert len(left) + len(again) == PER_ADDRESS


def attempt(server: RunningServer, password: str, source: str) -> tuple[int, bytes]:
    with imap_peer(server.imap, source=source) as peer:
        return worker_of(server, peer), peer.imap(f'LOGIN "{OWNER}" "{password}"'.encode())


def test_guesses_at_both_workers_count_together(pair: RunningServer) -> None:
    said = [attempt(pair, f"guess-{n}", ATTACKER) for n in range(40)]
    assert {pid for pid, _ in said} == set(pair.pids[1:])
    heard = sum(b"AUTHENTICATIONFAILED" in answer for _, answer in said)
    assert FREE <= heard <= FREE + 3, "the free ones, and some as the pauses double"


def test_guesses_at_the_same_instant_count_together(pair: RunningServer) -> None:
    answers: list[bytes] = []

    def guess(number: int) -> None:
        answers.append(attempt(pair, f"guess-{number}", ATTACKER)[1])

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = sum(b"AUTHENTICATIONFAILED" in answer for answer in answers)
    assert heard <= FREE + 4, "those whose verification ended in the same milliseconds"


def test_a_stale_password_counts_once_at_both(pair: RunningServer) -> None:
    """A telephone with an old password slows nobody, whichever worker it meets."""
    said = [attempt(pair, "last year's", HOME) for _ in range(40)]
    assert {pid for pid, _ in said} == set(pair.pids[1:])
    assert all(b"AUTHENTICATIONFAILED" in answer for _, answer in said)
    assert b" OK " in attempt(pair, PASSWORD, HOME)[1]


def test_a_known_network_is_known_at_both(pair: RunningServer) -> None:
    """While a botnet guesses, the owner comes in at either worker, at once."""
    assert b" OK " in attempt(pair, PASSWORD, HOME)[1]
    for n in range(30):
        attempt(pair, f"guess-{n}", f"127.7.{n}.1")
    met: dict[int, bytes] = {}
    for _ in range(40):
        pid, answer = attempt(pair, PASSWORD, HOME)
        met[pid] = answer
        if len(met) == 2:
            break
    assert all(b" OK " in answer for answer in met.values())
    assert len(met) == 2
