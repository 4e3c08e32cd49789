"""How much an account may send: the place where such a limit is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.flow.delivery.verdict import Refused


class SendingLimits(Protocol):
    """Asked once for each message, before it is kept."""

    async def check_sending(self, envelope: Envelope) -> Refused | None:
        """None: it may go."""


class Unlimited:
    """Nobody is limited."""

    async def check_sending(self, envelope: Envelope) -> Refused | None:
        """It may go."""
        return None
