"""Workers that die come back, with growing pauses."""

from __future__ import annotations

import msgspec

from pillarbox.config.server import ServerSettings
from pillarbox.config.settings import Settings
from pillarbox.node.child import State
from pillarbox.node.generation import Generation, worker_count

SETTINGS = Settings(server=ServerSettings(workers=2, restart_seconds=5.0))


class Worker:
    """What a generation sees of a child."""

    def __init__(self, slot: int, now: float) -> None:
        self.slot, self.since, self.state = slot, now, State.STARTING


def generation():
    return Generation(SETTINGS, lambda _settings, slot, now: Worker(slot, now))


def test_every_slot_is_filled_and_ready_only_together():
    made = generation()
    made.start_missing(0.0)
    one, two = made.children
    assert (one.slot, two.slot) == (0, 1)
    one.state = State.READY
    assert not made.is_ready
    two.state = State.READY
    assert made.is_ready


def test_pauses_double_up_to_the_setting():
    made = generation()
    now, pauses = 0.0, []
    for _ in range(6):
        made.start_missing(now)
        pauses.append(made.lost(made.children[0], State.STARTING, now))
        now += pauses[-1]
    assert pauses == [0.0, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_slot_waits_for_its_pause():
    made = generation()
    made.start_missing(0.0)
    made.lost(made.children[0], State.STARTING, 0.0)
    made.start_missing(0.0)
    made.lost(made.children[0], State.STARTING, 0.0)
    made.start_missing(0.5)
    assert len(made.children) == 1
    made.start_missing(1.0)
    assert len(made.children) == 2


def test_steady_service_is_forgiven():
    made = generation()
    made.start_missing(0.0)
    for _ in range(3):
        made.lost(made.children[0], State.STARTING, 0.0)
        made.start_missing(100.0)
    assert made.lost(made.children[0], State.READY, 1000.0) == 0.0


def test_no_number_is_one_for_each_core():
    assert worker_count(SETTINGS) == 2
    assert worker_count(msgspec.structs.replace(SETTINGS, server=ServerSettings())) >= 1
