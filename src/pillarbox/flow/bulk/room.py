"""What still fits into an account while messages get further places."""

from __future__ import annotations

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader
from pillarbox.store.sql import accounts


class Room:
    """None: no limit."""

    def __init__(self, octets: int | None = None, messages: int | None = None) -> None:
        self._octets = octets
        self._messages = messages

    @classmethod
    async def of(cls, db: Reader, account: AccountId) -> Room:
        """Raises NoSuchAccount."""
        row = await accounts.get(db, account)
        return cls(
            row.quota_octets - row.used_octets if row.quota_octets else None,
            row.quota_messages - row.used_messages if row.quota_messages else None,
        )

    def take(self, octets: int, messages: int) -> bool:
        """False: there is not so much, and nothing was taken. What is freed counts, too."""
        for free, more in ((self._octets, octets), (self._messages, messages)):
            if free is not None and more > 0 and more > free:
                return False
        if self._octets is not None:
            self._octets -= octets
        if self._messages is not None:
            self._messages -= messages
        return True
