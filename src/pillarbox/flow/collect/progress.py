"""How far a run is, for a progress bar, a row of the store and a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

Phase = Literal["connecting", "listing", "bringing", "settling", "waiting", "ended"]
MOST_TROUBLES = 1000  # that a run keeps; the count goes on


class TroubleNote(msgspec.Struct, frozen=True):
    """A message that did not come over."""

    folder: str  # path
    key: str
    why: str
    subject: str = ""  # where it is known
    sent_at: int | None = None


class Progress(msgspec.Struct, kw_only=True):
    """Counted up by a run; whoever shows it reads it at any instant on the same loop."""

    phase: Phase = "connecting"
    folders_done: int = 0
    folders: int = 0
    folder: str = ""  # path of the present one
    messages_done: int = 0  # brought, there already, skipped or failed
    messages: int = 0  # as far as is known
    octets_done: int = 0
    octets: int = 0
    brought: int = 0  # really new here
    octets_brought: int = 0  # of those, as they came
    already: int = 0  # brought by an earlier run
    skipped: int = 0  # a folder or a message that was not wanted
    failed: int = 0
    settled: int = 0  # marked, moved or deleted at the source
    flags_changed: int = 0  # two ways
    removed: int = 0  # two ways
    throttled_until: int | None = None  # Unix seconds
    why: str = ""  # the last trouble of the whole source
    troubles: list[TroubleNote] = msgspec.field(default_factory=list)

    def note(self, trouble: TroubleNote) -> None:
        """A message failed."""
        self.failed += 1
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(trouble)


Watch = Callable[[Progress], None]  # called after each step; it must return at once
