"""What the queue needs of whoever writes reports to senders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from pillarbox.store import Transaction
from pillarbox.store.sql.queue_reports import Unreported

WriteReport = Callable[[Transaction], Awaitable[None]]


class Bouncer(Protocol):
    """Composes delivery status notifications (RFC 3464)."""

    async def prepare(self, told: Unreported) -> WriteReport | None:
        """Compose and seal a report; what it returns puts it into a mailbox or the queue.

        That runs in the write that notes the report as made, so it is made once and never lost.
        Each recipient's `report` says what is to be told (`flow.queue.wishes.Tell`), and all of
        them can go into one report. None: there is nobody to tell.
        """
