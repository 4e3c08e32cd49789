"""One worker's part in operations on many messages: it leases what waits and does it.

All workers do the same beside one another; who has an account's lease is at its operations. What a
killed process left is taken up where it was, when its lease has ended.
"""

from __future__ import annotations

import asyncio
from functools import partial

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.bulk import BulkSettings
from pillarbox.errors import PillarboxError
from pillarbox.flow.bulk.run import Lost, Run
from pillarbox.ids import AccountId
from pillarbox.node.collecting_one import new_owner
from pillarbox.store import Store
from pillarbox.store.sql import bulk_lease
from pillarbox.store.sql.bulk import BULK, BulkRow
from pillarbox.telemetry.log import get_logger

log = get_logger("bulk")


class BulkWork:
    """`start`, then `drain`."""

    def __init__(self, store: Store, settings: BulkSettings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._owner = new_owner()
        self._work: dict[AccountId, asyncio.Task[None]] = {}
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Take part from now on; call it on the loop."""
        self._watch = self._store.feed.subscribe(BULK, lambda _: self._due.set())
        self._tasks = [
            asyncio.create_task(self._take_turns(), name="bulk"),
            asyncio.create_task(self._tick(), name="bulk-tick"),
        ]
        self._due.set()

    async def drain(self) -> None:
        """Take nothing new; break off behind the step that is under way. Again is harmless."""
        if not self._tasks:
            return
        self._watch.cancel()
        tasks = [*self._tasks, *self._work.values()]
        self._tasks = []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._settings.lease_seconds)
            self._due.set()

    async def _take_turns(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._take()
            except PillarboxError as error:
                log.warning_event("bulk.take_failed", why=str(error))
            except Exception:
                log.error_event("bulk.take_failed", exc=True)

    async def _take(self) -> None:
        most = self._settings.concurrent
        if len(self._work) >= most:
            return  # one that ends says so
        now, seconds = unix_seconds(self._clock.now()), self._settings.lease_seconds
        for account, number in await self._store.read(lambda db: bulk_lease.due(db, now, most)):
            if account in self._work or len(self._work) >= most:
                continue
            row = await self._store.write(
                partial(
                    bulk_lease.take,
                    account=account,
                    number=number,
                    owner=self._owner,
                    seconds=seconds,
                )
            )
            if row is not None:  # else another process was quicker
                task = asyncio.create_task(self._do(row), name=f"bulk-{account}-{number}")
                self._work[account] = task

    async def _do(self, row: BulkRow) -> None:
        """From the lease to its end."""
        try:
            await Run(self._store, self._settings, self._clock, self._owner, row).to_the_end()
        except asyncio.CancelledError:
            await self._give_back(row)
            raise
        except Lost:
            log.event("bulk.lost", account=row.account, bulk=row.id)
        except PillarboxError as error:  # the lease ends by itself, then it goes on
            log.warning_event("bulk.failed", bulk=row.id, why=str(error))
        except Exception:
            log.error_event("bulk.failed", bulk=row.id, exc=True)
        finally:
            self._work.pop(row.account, None)
            self._due.set()

    async def _give_back(self, row: BulkRow) -> None:
        try:
            await self._store.write(
                partial(bulk_lease.give_back, account=row.account, number=row.id, owner=self._owner)
            )
        except PillarboxError as error:
            log.warning_event("bulk.give_back_failed", bulk=row.id, why=str(error))
