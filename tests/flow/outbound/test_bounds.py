"""What a destination can cost at most: addresses, connections, memory (docs/guide/limits.md)."""

from __future__ import annotations

from pathlib import Path

from pillarbox.config.outbound import ClientLimits
from pillarbox.flow.outbound.memory import Marks
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.outbound.pace import Pace
from support.fake_clock import FakeClock
from support.outbound_rig import Rig
from support.scripted_smtp import Script


async def test_only_so_many_addresses_are_tried(tmp_path: Path) -> None:
    async with Rig(tmp_path, {"max_addresses": 3}) as rig:
        rig.peer("x.example", *[Script(greeting="421 4.3.2 busy") for _ in range(9)])
        (found,) = await rig.send("a@x.example")
        assert found.kind is Kind.LATER
        assert len(rig.network.connections) == 3


async def test_a_connection_ends_after_its_number_of_messages(tmp_path: Path) -> None:
    """Where the other server names no number of its own."""
    async with Rig(tmp_path, {"limits": ClientLimits(max_transactions=2)}) as rig:
        rig.peer("x.example", Script())
        for number in range(5):
            (found,) = await rig.send(f"a{number}@x.example")
            assert found.kind is Kind.RELAYED
        assert len(rig.network.connections) == 3


def test_the_pace_stays_between_one_and_the_most() -> None:
    pace = Pace(first=4, most=20, remembered=9)
    assert pace.lanes("x.example") == 4
    for _ in range(100):
        pace.went_well("x.example")
    assert pace.lanes("x.example") == 20
    for _ in range(100):
        pace.went_badly("x.example")
    assert pace.lanes("x.example") == 1


def test_a_flood_of_destinations_is_not_remembered() -> None:
    pace, clock = Pace(first=4, most=20, remembered=9), FakeClock()
    marks = Marks(clock, 300.0, 9)
    for number in range(1000):
        pace.went_badly(f"d{number}.example")
        marks.put(f"192.0.2.{number}")
    assert sum(pace.lanes(f"d{number}.example") == 2 for number in range(1000)) == 9
    assert sum(f"192.0.2.{number}" in marks for number in range(1000)) == 9
