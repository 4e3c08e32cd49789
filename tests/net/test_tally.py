"""Connections counted over all workers, in memory that they share."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pillarbox.net.limits import ConnectionLease, ConnectionLimiter
from pillarbox.net.tally import Tally, TallyBoard


@pytest.fixture
def board() -> Iterator[TallyBoard]:
    made = TallyBoard()
    yield made
    made.close()


def worker(board: TallyBoard, total: int, each: int) -> tuple[ConnectionLimiter, int]:
    """As a process of its own would map it."""
    column = board.take()
    return ConnectionLimiter(
        total, each, frozenset({"127.0.0.1"}), Tally(board.descriptor, column, board.key).add
    ), column


def test_workers_share_both_limits(board: TallyBoard) -> None:
    (first, _), (second, _) = worker(board, 6, 3), worker(board, 6, 3)
    leases = [first.admit("192.0.2.1"), second.admit("192.0.2.1"), first.admit("192.0.2.1")]
    assert all(leases)
    assert second.admit("192.0.2.1") is None
    assert first.admit("192.0.2.1") is None
    leases[0].release()  # type: ignore[union-attr]
    leases[0].release()  # type: ignore[union-attr]
    assert second.admit("192.0.2.1")
    assert second.admit("192.0.2.1") is None
    assert all(second.admit("127.0.0.1") for _ in range(3)), "known ones count in the total only"
    assert first.admit("192.0.2.9") is None


def test_a_dead_workers_places_are_free_again(board: TallyBoard) -> None:
    (first, dead), (second, _) = worker(board, 100, 2), worker(board, 100, 2)
    assert first.admit("192.0.2.1")
    assert first.admit("192.0.2.1")
    assert second.admit("192.0.2.1") is None
    board.give_back(dead)
    assert second.admit("192.0.2.1")
    third, column = worker(board, 100, 2)
    assert column == dead
    assert third.admit("192.0.2.1")
    assert third.admit("192.0.2.1") is None


def test_it_counts_as_one_limiter_would(board: TallyBoard) -> None:
    """Against one exact limiter for all: many networks, three workers, come and go.

    A thousand networks near their limit are as bad as it gets: some one may meet two others.
    """
    chance = random.Random(20261123)
    workers = [worker(board, 2000, 5)[0] for _ in range(3)]
    alone = ConnectionLimiter(2000, 5)
    held: list[tuple[ConnectionLease, ConnectionLease]] = []
    too_few = too_many = 0
    for _ in range(20_000):
        if held and chance.random() < 0.45:
            mine, theirs = held.pop(chance.randrange(len(held)))
            mine.release()
            theirs.release()
            continue
        address = f"198.51.{chance.randrange(4)}.{chance.randrange(256)}"
        mine_now = chance.choice(workers).admit(address)
        theirs_now = alone.admit(address)
        if mine_now is not None and theirs_now is not None:
            held.append((mine_now, theirs_now))
            continue
        too_few += mine_now is None and theirs_now is not None
        too_many += mine_now is not None and theirs_now is None
        for lease in (mine_now, theirs_now):
            if lease is not None:
                lease.release()
    assert too_many == 0
    assert too_few < 20
