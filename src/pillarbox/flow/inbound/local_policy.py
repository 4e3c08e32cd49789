"""Recipients of `pillarbox localserve`: all mail comes to one account; some names misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.directory import LocalTarget
from pillarbox.flow.delivery.verdict import Reason, Refused

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.flow.delivery.envelope import Targets
    from pillarbox.ids import AccountId

NEVER = 3600.0  # seconds that timeout@ takes: longer than any client waits

_MAGIC = {
    "temperror": Refused(Reason.ASKED_TEMPORARY),
    "permerror": Refused(Reason.ASKED_PERMANENT),
    "421": Refused(Reason.ASKED_CLOSE),
}


class LocalserveRecipients:
    """temperror@, permerror@, 421@ and timeout@ at any domain do as they are called."""

    def __init__(self, account: AccountId, login: str, clock: Clock) -> None:
        self._targets: Targets = (LocalTarget(account, login, ""),)
        self._clock = clock

    async def check_recipient(
        self, address: str, size: int, *, is_report: bool = False
    ) -> Targets | Refused:
        """Everybody else is taken."""
        name = address.partition("@")[0].lower()
        if name == "timeout":
            await self._clock.sleep(NEVER)
        return _MAGIC.get(name, self._targets)
