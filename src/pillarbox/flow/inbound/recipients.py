"""Who is taken at RCPT when mail comes from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pillarbox.flow.delivery.expand import check_room, expand
from pillarbox.flow.delivery.verdict import Reason, Refused

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.flow.delivery.envelope import Targets
    from pillarbox.store import Store


class RecipientPolicy(Protocol):
    """`pillarbox localserve` has another one than `pillarbox serve`."""

    async def check_recipient(self, address: str, size: int) -> Targets | Refused:
        """Where the address leads, if a message of `size` octets (0: not said) may come in."""


class DirectoryRecipients:
    """Our addresses and no others: never an open relay."""

    def __init__(self, directory: Directory, store: Store) -> None:
        self._directory = directory
        self._store = store

    async def check_recipient(self, address: str, size: int) -> Targets | Refused:
        """Unknown names and far domains are refused here, not bounced later."""
        targets = await expand(self._directory, address)
        if isinstance(targets, Refused):
            if targets.reason is Reason.UNKNOWN_DOMAIN:
                return Refused(Reason.RELAYING)
            return targets
        return await check_room(self._store, targets, size) or targets
