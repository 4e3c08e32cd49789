"""The workers that serve one configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from pillarbox.config.settings import Settings
from pillarbox.node.child import Child, State
from pillarbox.telemetry.log import get_logger

STEADY = 60.0  # seconds of service after which earlier deaths are forgotten

log = get_logger("node")


@dataclass(slots=True)
class Slot:
    """The place of one worker: who is there, and when to try again."""

    child: Child | None = None
    deaths: int = 0  # in a row
    again_at: float = 0.0


class Generation:
    """One slot for each worker; a dead one is replaced, with growing pauses."""

    def __init__(self, settings: Settings, spawn: Callable[[Settings, int, float], Child]) -> None:
        self.settings = settings
        self._spawn = spawn
        self._slots = [Slot() for _ in range(worker_count(settings))]

    @property
    def children(self) -> list[Child]:
        return [slot.child for slot in self._slots if slot.child is not None]

    @property
    def is_ready(self) -> bool:
        """Whether every slot has a worker that serves."""
        return all(
            slot.child is not None and slot.child.state is State.READY for slot in self._slots
        )

    def start_missing(self, now: float) -> None:
        """Fill the slots whose pause is over."""
        for number, slot in enumerate(self._slots):
            if slot.child is None and now >= slot.again_at:
                slot.child = self._spawn(self.settings, number, now)

    def lost(self, child: Child, state: State, now: float) -> float:
        """A worker died in `state`; seconds until its slot is filled again."""
        slot = self._slots[child.slot]
        slot.child = None
        steady = state is State.READY and now - child.since > STEADY
        slot.deaths = 1 if steady else slot.deaths + 1
        doubled = 2.0 ** min(slot.deaths - 2, 16)
        pause = 0.0 if slot.deaths == 1 else min(self.settings.server.restart_seconds, doubled)
        slot.again_at = now + pause
        return pause


def worker_count(settings: Settings) -> int:
    """How many workers the settings ask for."""
    return settings.server.workers or len(os.sched_getaffinity(0))
