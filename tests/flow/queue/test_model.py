"""Several workers that crash at random points, against what the far side has seen.

A crash here is a worker that stops between two awaits and never says another word: its rows stay
leased and marked as a killed process leaves them. What must hold afterwards: every message was
accepted; twice only where the row says `uncertain`; the far side's and our view agree.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.queue.worker import QueueWorker
from pillarbox.store.model import RecipientState as State
from support.queue_bench import (
    FakeSender,
    addresses,
    all_ended,
    message,
    outcome,
    put,
    rows,
    worker,
)
from support.store_box import Box


def kill(victim: QueueWorker) -> None:
    """Everything of it stops where it is; nothing is written any more."""
    victim._watch.cancel()
    for task in (*victim._tasks, *victim._sends):
        task.cancel()


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_lost_and_doubles_are_named(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with Box(tmp_path) as box:
        sender = FakeSender(lanes=2)

        async def answer(_message, recipient):  # type: ignore[no-untyped-def]
            await asyncio.sleep(chance.random() * 0.003)
            dice = chance.random()
            if dice < 0.15:
                return outcome(recipient, Kind.LATER, "451 busy")
            if dice < 0.2:
                return outcome(recipient, Kind.LATER, "no route", whole_destination=True)
            return outcome(recipient)

        sender.answer = answer
        everyone = list(addresses(120, 7))
        messages = [message(*everyone[at : at + 3]) for at in range(0, 120, 3)]
        born = 0
        living: list[QueueWorker] = []
        crashes = 0
        for round_ in range(4000):
            if round_ < 40:
                await put(box.store, messages[round_])
            while len(living) < 3:
                born += 1
                living.append(
                    worker(box.store, box.clock, sender, name=f"w{born}", messages_per_send=3)
                )
                living[-1].start()
            await asyncio.sleep(chance.random() * 0.004)
            if crashes < 25 and chance.random() < 0.4:
                kill(living.pop(chance.randrange(len(living))))
                crashes += 1
            # When nobody dies any more, the pauses after failures may pass quickly.
            await box.clock.advance(chance.choice((1, 5, 40)) if round_ < 150 else 200)
            if round_ > 60 and await all_ended(box.store):
                break
        for one in living:
            await one.drain(1)
        found = await rows(box.store)
        assert len(found) == 120
        assert {one.state for one in found} == {State.RELAYED}
        for one in found:
            times = sender.accepted[(one.queued, one.number)]
            assert times >= 1, one
            assert times == 1 or one.uncertain, one
        assert crashes >= 10


async def test_a_killed_workers_rows_come_back(box: Box) -> None:
    stuck = FakeSender()

    async def never(_message, _recipient):  # type: ignore[no-untyped-def]
        await asyncio.Event().wait()

    stuck.answer = never
    first = worker(box.store, box.clock, stuck, messages_per_send=1)
    await put(box.store, *(message(one) for one in addresses(40, 1)))
    first.start()
    while len(stuck.sends) < 4:
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.02)
    kill(first)
    await asyncio.sleep(0)
    sender = FakeSender()
    second = worker(box.store, box.clock, sender, name="w2")
    second.start()
    await asyncio.sleep(0.05)
    assert not sender.sends  # the lease holds
    for _ in range(5):
        await box.clock.advance(31)
        await asyncio.sleep(0.02)
    found = await rows(box.store)
    assert {one.state for one in found} == {State.RELAYED}
    # Four were being sent and one was marked to follow; the other 35 were only leased.
    assert sum(one.uncertain for one in found) == 5
    await second.drain(1)
