"""The history of sign-ins, for whoever owns the account to look at: written beside the doors' work.

A sign-in only adds to a table in memory; some seconds later all of them go to the store in one
write. Programs that sign in all the time are written every five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, OrderedDict
from functools import partial
from typing import Literal, NamedTuple

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.browser import BrowserSettings
from pillarbox.errors import Unavailable
from pillarbox.ids import AccountId
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import sign_ins
from pillarbox.store.sql.sign_ins import SignInRow

_SOON_SECONDS = 3.0  # until something new can be seen
_LATE_SECONDS = 300.0  # until the count of what is known already grows
_MOST_PENDING = 2000  # rows in memory; a flood of guesses loses some of its own rows
_MOST_KNOWN = 10_000  # keys that were written lately
_MANY = 20  # rows of one account in one write: then its history is trimmed at once
_HOUR, _DAY = 3600, 86_400


class Attempt(NamedTuple):
    """One sign-in, or way back in, that named an account; the fields of `SignInRow`."""

    account: AccountId
    door: str
    peer: str
    agent: str
    outcome: Literal["ok", "failed", "second", "approved", "used"]
    credential: str


class History:
    """One for a worker."""

    def __init__(self, store: Store, clock: Clock, settings: BrowserSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._pending: dict[tuple[Attempt, int], SignInRow] = {}
        self._known: OrderedDict[tuple[Attempt, int], None] = OrderedDict()
        self._tasks: dict[bool, asyncio.Task[None]] = {}  # by whether they come soon

    def note(self, attempt: Attempt) -> None:
        """Costs nothing but a little memory, and never fails."""
        now = unix_seconds(self._clock.now())
        key = (attempt, now // _HOUR)
        found = self._pending.get(key)
        if found is None and len(self._pending) >= _MOST_PENDING:
            return
        first, times = (found.first_at, found.times) if found is not None else (now, 0)
        self._pending[key] = SignInRow(*attempt, first, now, times + 1)
        self._plan(soon=key not in self._known)

    async def flush(self) -> None:
        """Write what is pending; what the store does not take just now is tried again."""
        pending, self._pending = self._pending, {}
        if not pending:
            return
        rows = list(pending.values())
        counts = Counter((row.account, row.outcome == "failed") for row in rows)
        many = [of for of, count in counts.items() if count >= _MANY]
        most = self._settings.history_rows

        async def write(tx: Transaction) -> None:
            await sign_ins.note(tx, rows)
            for account, failures in many:
                await sign_ins.trim(tx, account, failures, most)

        try:
            await self._store.write(write, short=len(rows) < _MANY)
        except Unavailable:
            self._pending = pending | self._pending
            return
        for key in pending:
            self._known[key] = None
            self._known.move_to_end(key)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    async def recent(self, account: AccountId, limit: int) -> list[SignInRow]:
        """The newest first, this worker's pending ones included."""
        await self.flush()
        return await self._store.read(lambda db: sign_ins.recent(db, account, limit))

    async def forget(self) -> None:
        """One round of housekeeping: by age and by number."""
        before = unix_seconds(self._clock.now()) - self._settings.history_days * _DAY
        most = self._settings.history_rows
        await self._store.write(lambda tx: sign_ins.forget(tx, before))
        for account, failures in await self._store.scan(lambda db: sign_ins.full(db, most)):
            await self._store.write(
                partial(sign_ins.trim, account=account, failures=failures, most=most)
            )

    async def close(self) -> None:
        """Write the rest."""
        for task in self._tasks.values():
            task.cancel()
        await self.flush()

    def _plan(self, *, soon: bool) -> None:
        for planned in (True,) if soon else (True, False):
            task = self._tasks.get(planned)
            if task is not None and not task.done():
                return
        seconds = _SOON_SECONDS if soon else _LATE_SECONDS
        self._tasks[soon] = asyncio.get_running_loop().create_task(self._flush_in(seconds))

    async def _flush_in(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._clock.sleep(seconds)
            await self.flush()
