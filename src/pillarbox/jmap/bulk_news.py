"""How far operations are, for who listens to the event source: progress without a request."""

from __future__ import annotations

from contextlib import suppress

from pillarbox.clock import unix_seconds
from pillarbox.errors import NoSuchAccount
from pillarbox.ids import AccountId, ModSeq
from pillarbox.jmap import bulk_view
from pillarbox.jmap.method import Answer
from pillarbox.store import Store
from pillarbox.store.database import Reader
from pillarbox.store.sql import bulk
from pillarbox.store.sql.changes import heads

BULK_TYPE = "BulkOperation"


class BulkNews:
    """Of one account, to one listener."""

    def __init__(self, store: Store, account: AccountId, known: ModSeq | None) -> None:
        """`known`: the state that the client saw last; None: the present one."""
        self._store = store
        self._account = account
        self._known = known

    async def begin(self) -> None:
        """Before the first `read`."""
        if self._known is None:
            with suppress(NoSuchAccount):  # removed: the watch says so
                self._known, _ = await self._store.read(lambda db: heads(db, self._account))

    async def read(self) -> list[Answer]:
        """The operations that changed since the last time."""
        known = self._known or ModSeq(0)
        now = unix_seconds(self._store.clock.now())

        async def look(db: Reader) -> tuple[ModSeq, list[Answer]]:
            modseq, _ = await heads(db, self._account)
            rows = await bulk.since(db, self._account, known)
            return modseq, await bulk_view.records(db, rows, now)

        try:
            self._known, told = await self._store.read(look)
        except NoSuchAccount:
            return []
        return told
