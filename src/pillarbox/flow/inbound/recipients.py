"""Who is taken at RCPT when mail comes from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.flow.delivery.expand import RecipientPolicy, expand
from pillarbox.flow.delivery.srs import find_sender
from pillarbox.flow.delivery.verdict import Reason, Refused

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.flow.delivery.envelope import Targets
    from pillarbox.store import Store

__all__ = ["DirectoryRecipients", "RecipientPolicy"]


class DirectoryRecipients:
    """Our addresses and no others: never an open relay."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    async def check_recipient(
        self, address: str, size: int, *, is_report: bool = False
    ) -> Targets | Refused:
        """Unknown names and far domains are refused here, not bounced later.

        Reports about what we forwarded come to names that lead to its sender; nothing but reports
        may, so that nobody else can have us send mail there.
        """
        if is_report:
            sender = await self._store.read(lambda db: find_sender(db, address))
            if sender is not None:
                return await self._onward(sender, size)
        targets = await expand(self._directory, address, size)
        if isinstance(targets, Refused) and targets.reason is Reason.UNKNOWN_DOMAIN:
            return Refused(Reason.RELAYING)
        return targets

    async def _onward(self, sender: str, size: int) -> Targets | Refused:
        targets = await expand(self._directory, sender, size)
        if isinstance(targets, Refused) and targets.reason is Reason.UNKNOWN_DOMAIN:
            return (RemoteTarget(sender),)
        return targets
