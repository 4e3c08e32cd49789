"""Very many connections: the limit for one address holds, and others come in."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import BYSTANDER, LONG, PASSWORD, PROMPT
from support.raw_peer import RawPeer, bystander, deliver, imap_peer, memory

FLOOD = 5000 if LONG else 600
PER_ADDRESS = 100
ATTACKER = "127.0.0.66"
IDLE_PLAIN = 10_000 if LONG else 2_000
IDLE_TLS = 2_000 if LONG else 200
REFUSALS = {"smtp": b"421 ", "imap": b"* BYE ", "pop3": b"-ERR "}


@pytest.fixture(scope="module", autouse=True)
def room_for_files() -> Iterator[None]:
    """As many open files as this process may have; the server inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Loopback has the limits of everybody else."""
    limits = {"connections_per_address": PER_ADDRESS, "unlimited_addresses": ()}
    folder: Path = tmp_path_factory.mktemp("flood")
    accounts = {BYSTANDER: PASSWORD}
    with running_server(folder, accounts=accounts, settings={"limits": limits}) as running:
        yield running


@pytest.mark.timed
@pytest.mark.parametrize("door", REFUSALS)
def test_one_address_gets_its_share_and_no_more(guarded: RunningServer, door: str) -> None:
    with bystander(guarded.imap, BYSTANDER, PASSWORD) as other:
        peers = [RawPeer(guarded.ports[door], source=ATTACKER) for _ in range(FLOOD)]
        greetings = [peer.line() for peer in peers]
    refused = [one for one in greetings if one.startswith(REFUSALS[door])]
    try:
        assert len(greetings) - len(refused) == PER_ADDRESS
        assert all(peer.is_closed(2) for peer in peers[PER_ADDRESS:])
    finally:
        for peer in peers:
            peer.close()
    assert other.longest < PROMPT
    time.sleep(0.2)
    with RawPeer(guarded.ports[door], source=ATTACKER) as again:  # places were given back
        assert not again.line().startswith(REFUSALS[door])


@pytest.mark.timed
@pytest.mark.parametrize("opening", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_half_open_tls_holds_no_more_than_its_share(guarded: RunningServer, opening: bytes) -> None:
    """Counted when accepted, not behind the handshake; what is over the share ends at once."""
    with bystander(guarded.imap, BYSTANDER, PASSWORD) as other:
        peers = [RawPeer(guarded.imaps, source=ATTACKER) for _ in range(FLOOD)]
        for peer in peers:
            peer.send(opening)
        try:
            assert all(peer.is_closed(2) for peer in peers[PER_ADDRESS:])
            assert not any(peer.is_closed(0.001) for peer in peers[:PER_ADDRESS])
            begin = time.monotonic()
            with imap_peer(guarded.imaps, BYSTANDER, PASSWORD, tls=True):
                greeted = time.monotonic() - begin
            with RawPeer(guarded.smtp, source=ATTACKER) as elsewhere:
                assert elsewhere.line().startswith(b"421 ")
        finally:
            for peer in peers:
                peer.close()
    assert other.longest < PROMPT and greeted < PROMPT
    time.sleep(0.2)
    with RawPeer(guarded.imaps, source=ATTACKER, tls=True) as again:  # places were given back
        assert again.line().startswith(b"* OK")


def test_all_doors_share_the_limit(guarded: RunningServer) -> None:
    peers = [
        RawPeer(guarded.ports[door], source=ATTACKER)
        for door in ("smtp", "imap", "pop3", "submission") * (PER_ADDRESS // 4 + 5)
    ]
    greetings = [peer.line() for peer in peers]
    for peer in peers:
        peer.close()
    assert sum(one.startswith((b"220", b"* OK", b"+OK")) for one in greetings) == PER_ADDRESS


def test_connections_that_come_and_go(guarded: RunningServer) -> None:
    """No place is lost to a peer that leaves before its greeting, by FIN or by RST."""
    for _ in range(FLOOD):
        with RawPeer(guarded.imap, source=ATTACKER) as peer:
            peer.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: a reset
    time.sleep(0.5)
    peers = [RawPeer(guarded.imap, source=ATTACKER) for _ in range(PER_ADDRESS)]
    assert all(peer.line().startswith(b"* OK") for peer in peers)
    for peer in peers:
        peer.close()


def test_the_total_is_bounded_too(tmp_path: Path) -> None:
    limits = {"connections": 50}
    with running_server(tmp_path / "few", settings={"limits": limits}) as few:
        peers = [RawPeer(few.imap) for _ in range(80)]
        greetings = [peer.line() for peer in peers]
        assert sum(one.startswith(b"* OK") for one in greetings) == 50
        for peer in peers:
            peer.close()


def deliveries(server: RunningServer) -> float:
    """Seconds of one to somebody else, from its connection to its 250: the median of eleven."""
    took = []
    for _ in range(11):
        begin = time.monotonic()
        assert deliver(server.smtp, BYSTANDER, b"Subject: x\r\n\r\nx\r\n").startswith(b"250")
        took.append(time.monotonic() - begin)
    return statistics.median(took)


@pytest.mark.timed
@pytest.mark.parametrize(("tls", "count"), [(False, IDLE_PLAIN), (True, IDLE_TLS)])
def test_idle_connections_cost_little_and_mail_still_arrives(
    tmp_path: Path, tls: bool, count: int
) -> None:
    """Signed in, in IDLE on one mailbox: each hears of the message."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < count + 500:
        pytest.skip("this user may not open as many files")
    accounts = {BYSTANDER: PASSWORD, "idler@example.org": PASSWORD}
    with running_server(tmp_path / "idle", accounts=accounts) as server:
        worker = server.pids[1]
        port = server.imaps if tls else server.imap
        with imap_peer(port, "idler@example.org", PASSWORD, tls=tls):
            before = memory(worker, "RssAnon")
        usual = deliveries(server)
        peers = []
        for _ in range(count):
            peer = imap_peer(port, "idler@example.org", PASSWORD, tls=tls)
            peer.send(b"s SELECT INBOX\r\ni IDLE\r\n")
            peers.append(peer)
        for peer in peers:
            assert peer.up_to(b"+ idling\r\n").endswith(b"+ idling\r\n")
        each = (memory(worker, "RssAnon") - before) / count
        if LONG:
            time.sleep(60)
        delivered = deliveries(server)
        begin = time.monotonic()
        deliver(server.smtp, "idler@example.org", b"Subject: x\r\n\r\nx\r\n")
        assert all(peer.up_to(b" EXISTS\r\n").endswith(b"* 1 EXISTS\r\n") for peer in peers)
        told = time.monotonic() - begin
        with bystander(server.imap, BYSTANDER, PASSWORD) as other:
            pass
        for peer in peers:
            peer.close()
        usual = max(usual, deliveries(server))  # other work on the machine comes and goes
    print(
        f"{count} idle {'TLS' if tls else 'plain'}: {each:.1f} KiB each, a delivery "
        f"{delivered * 1000:.0f} ms, {usual * 1000:.0f} without them, all told after {told:.2f} s, "
        f"others {other.longest:.2f} s"
    )
    assert each < (96 if tls else 32)
    assert delivered < max(2 * usual, 0.05) and other.longest < PROMPT
    assert told < 10 * PROMPT
