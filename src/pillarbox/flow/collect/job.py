"""What a run works at, and how it ended."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct, field

from pillarbox.clock import Clock
from pillarbox.config.intake import IntakeSettings
from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.ids import AccountId, RemoteId, RunId
from pillarbox.message.part import Octets
from pillarbox.store import Store


class Sorter(Protocol):
    """Looks at new mail as is done with mail that arrives here."""

    async def is_junk(self, octets: Octets, size: int) -> bool:
        """Returns within a bounded time and never raises."""


class Job(Struct, frozen=True, kw_only=True):
    """One run for one remote account."""

    store: Store
    account: AccountId
    remote: RemoteId
    run: RunId
    settings: RemoteSettings
    clock: Clock
    limits: IntakeSettings = IntakeSettings()
    sorter: Sorter | None = None  # asked where `settings.filtered` is set
    confirmed: bool = False  # two ways: a person has said yes to many deletions


class Outcome(Struct, kw_only=True):
    """How a run ended that was not broken off by the source."""

    complete: bool = True  # all that is there was looked at; what failed stands in the progress
    stopped: Literal["", "quota"] = ""
    why: str = ""  # the sentence, where it stopped
    remarks: list[str] = field(default_factory=list)  # what else the owner should know


class Full(Exception):
    """The account has no room for the next message; what fitted is there."""
