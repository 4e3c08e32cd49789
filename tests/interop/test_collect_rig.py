"""What proves collecting is tried itself: the comparison finds faults, the proxy cuts in place."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from support.cutting_proxy import CuttingProxy, random_octets
from support.mailbox_compare import Kept, Snapshot, differences
from support.odd_mailboxes import odd_messages
from support.server import HOST

ONE = Kept("a" * 64, 10, ("\\seen",), 1_000_000_000)
TWO = Kept("b" * 64, 20, (), 1_100_000_000)
DATA = bytes(range(256)) * 2000


def _found(here: list[Kept]) -> list[str]:
    there = Snapshot({"INBOX.Work": [ONE, ONE, TWO]}, frozenset())
    mine = Snapshot({"Work": here}, frozenset())
    return differences(there, mine, {"INBOX.Work": "Work"}, without=frozenset())


@pytest.mark.parametrize(
    ("here", "word"),
    [
        ([ONE, TWO], "2 here"),
        ([ONE, ONE, TWO, TWO], "too often"),
        ([ONE, TWO, TWO], "are missing"),
        ([ONE, ONE, replace(TWO, digest="c" * 64)], "unknown there"),
        ([ONE, replace(ONE, flags=()), TWO], "flags or date"),
        ([ONE, ONE, replace(TWO, received_at=TWO.received_at + 1)], "flags or date"),
        ([ONE, ONE, replace(TWO, flags=("work",))], "flags or date"),
    ],
)
def test_each_difference_is_found(here: list[Kept], word: str) -> None:
    assert any(word in line for line in _found(here)), _found(here)


def test_equal_is_equal() -> None:
    assert not _found([TWO, ONE, ONE])
    there = Snapshot({"Work": [ONE]}, frozenset())
    assert differences(there, Snapshot({}, frozenset()), {"Work": "Work"}, without=frozenset())
    assert differences(there, there, {}, without=frozenset())


@pytest.fixture
def talker() -> Iterator[int]:
    """The port of a server that sends DATA and closes."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with contextlib.suppress(OSError), connection:
                        connection.sendall(DATA)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_cuts_come_at_their_octets(talker: int) -> None:
    called: list[int] = []
    cuts = [1000, 1001, 300_000]
    with CuttingProxy(talker, cuts, [(150_000, lambda: called.append(1))]) as proxy:
        lengths = [len(_read(proxy.port)) for _ in range(4)]
        # The first and the third end by a reset, which may take what was not read yet with it.
        most = [1000, 1, 298_999, len(DATA)]
        assert lengths[1::2] == most[1::2]
        assert lengths[0] <= most[0]
        assert lengths[2] <= most[2]
        assert proxy.passed == sum(most)
        assert proxy.cut == 3
        assert called == [1]


def test_places_of_cuts_come_from_the_seed() -> None:
    places = random_octets(7, 10, 10**6)
    assert places == random_octets(7, 10, 10**6) != random_octets(8, 10, 10**6)
    assert len(set(places)) == 10
    assert places[-1] < 10**6


def test_messages_come_from_the_seed_and_all_differ() -> None:
    made = [list(odd_messages(folder, 40, seed=3)) for folder in range(3)]
    assert made == [list(odd_messages(folder, 40, seed=3)) for folder in range(3)]
    octets = [message.octets for folder in made for message in folder]
    assert len(set(octets)) == len(octets)
    assert all(b"\0" not in one and 20 < len(one) < 400_000 for one in octets)


def _read(port: int) -> bytes:
    got = bytearray()
    with contextlib.suppress(ConnectionError), socket.create_connection((HOST, port)) as client:
        while chunk := client.recv(65536):
            got += chunk
    return bytes(got)
