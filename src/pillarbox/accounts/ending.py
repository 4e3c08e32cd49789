"""Letting go of an account: its browsers are signed out, its connections closed, everywhere.

`let_go` writes that it happened, in the transaction that gives the reason; `Endings` of each
process reads it, some milliseconds later where the feed wakes it, else at its next look.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from pillarbox.accounts.browser_sessions import end_sessions
from pillarbox.clock import Clock
from pillarbox.errors import Unavailable
from pillarbox.ids import AccountId, ModSeq
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import ended, recovery
from pillarbox.store.sql.ended import Ended

LOOK_SECONDS = 2.0  # between looks without being woken: a lost wake-up costs no more

Drop = Callable[[Ended], None]


async def let_go(tx: Transaction, account: AccountId, *, keep_session: int | None = None) -> None:
    """End all browser sessions but one, every connection of mail programs, and every link for a
    new password: whoever was about to use one may be the reason."""
    await end_sessions(tx, account, keep_session)
    await recovery.end_links(tx, account)
    await ended.tell(tx, account)


class Endings:
    """Watches for what was ended, and has it dropped in this process."""

    def __init__(self, store: Store, clock: Clock, drop: Drop) -> None:
        """`drop` is told of each; it closes what belongs to it."""
        self._store = store
        self._clock = clock
        self._drop = drop
        self._woken = asyncio.Event()
        self._last: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        subscription = self._store.feed.subscribe(ended.ENDED, self._wake)
        try:
            while True:
                self._woken.clear()  # what is told from now on is looked at next
                with contextlib.suppress(Unavailable):
                    await self._look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._woken.wait()
        finally:
            subscription.cancel()

    async def _look(self) -> None:
        if self._last is None:  # nobody was connected here before
            self._last = await self._store.read(ended.last)
            return
        last = self._last
        for one in await self._store.read(lambda db: ended.since(db, last)):
            self._last = one.number
            self._drop(one)

    def _wake(self, _number: ModSeq) -> None:
        self._woken.set()
