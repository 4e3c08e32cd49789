"""Who is taken at RCPT when mail comes from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.flow.delivery.expand import RecipientPolicy, expand
from pillarbox.flow.delivery.verdict import Reason, Refused

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.flow.delivery.envelope import Targets

__all__ = ["DirectoryRecipients", "RecipientPolicy"]


class DirectoryRecipients:
    """Our addresses and no others: never an open relay."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def check_recipient(self, address: str, size: int) -> Targets | Refused:
        """Unknown names and far domains are refused here, not bounced later."""
        targets = await expand(self._directory, address, size)
        if isinstance(targets, Refused) and targets.reason is Reason.UNKNOWN_DOMAIN:
            return Refused(Reason.RELAYING)
        return targets
