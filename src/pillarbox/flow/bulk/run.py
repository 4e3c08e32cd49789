"""An operation from its first step to its last, by the worker that has its lease.

A step is one transaction: the lease is renewed, the next messages change, and how far it is is
written down. Its length follows the clock, so that deliveries wait for it as short as they would
for one another.
"""

from __future__ import annotations

from functools import partial

from pillarbox.clock import Clock
from pillarbox.config.bulk import BulkSettings
from pillarbox.errors import PillarboxError, Unavailable
from pillarbox.flow.bulk import folders
from pillarbox.flow.bulk.actions import (
    Action,
    Destroy,
    Doomed,
    RemoveAttachments,
    Restore,
    parse_action,
)
from pillarbox.flow.bulk.doing import do_step
from pillarbox.flow.bulk.folders import doomed_of
from pillarbox.flow.bulk.refusals import FAULT
from pillarbox.flow.bulk.stripping import (
    MOST_MESSAGES,
    Prepared,
    prepare,
    restore_step,
    strip_step,
)
from pillarbox.flow.bulk.undoing import undo_step
from pillarbox.ids import BulkId, MessageId
from pillarbox.store import Store
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql import bulk, bulk_former, bulk_lease, bulk_list
from pillarbox.store.sql.bulk import BulkRow, BulkStatus
from pillarbox.store.sql.bulk_lease import Step
from pillarbox.telemetry.log import get_logger

log = get_logger("bulk")

_DAY = 86_400
_SHRINK = 8  # by so much a step gets shorter after a fault, until one message is to blame
_LEAST = 50  # messages in a step, on a disk however slow
_QUIET_STEP = 4  # times as long while nobody else writes: fewer commits, and who comes waits once
_MOST_REST = 0.25  # seconds: who cancels does not wait for long
_AGAIN_SECONDS = 1.0  # until a store that cannot now is asked again


class Lost(PillarboxError):
    """Another worker has the lease, or the account is gone."""

    sentence = "Another worker goes on with that operation."


class Run:
    """One operation, under one lease."""

    def __init__(
        self, store: Store, settings: BulkSettings, clock: Clock, owner: str, taken: BulkRow
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._account = taken.account
        self._number = taken.id
        self._action: Action = parse_action(taken.action)
        self._undo_of = taken.undo_of
        self._within = taken.within
        self._most = settings.most_step_messages
        self._size = min(settings.first_step_messages, self._most)
        self._took = 0.0  # seconds, the last step with its commit
        self._left = 0  # messages that have yet to be looked at
        self._steps_left = 0.0  # as long as the last one
        self._began = clock.monotonic()

    async def to_the_end(self) -> None:
        """Raises Lost; when cancelled, the lease is the caller's to give back."""
        while True:
            try:
                if not await self._step():
                    log.event("bulk.ended", account=self._account, bulk=self._number)
                    return
            except Unavailable as error:
                log.warning_event("bulk.waits", bulk=self._number, why=str(error))
                await self._clock.sleep(_AGAIN_SECONDS)
            except Lost:
                raise
            except PillarboxError as error:
                await self._store.write(partial(self._give_up, why=str(error)))
                return
            except Exception:
                log.error_event("bulk.step_failed", exc=True, bulk=self._number, size=self._size)
                await self._blame()
            else:
                await self._clock.sleep(min(self._rest(), _MOST_REST))

    def _rest(self) -> float:
        """Seconds. Others find the store free where they just were; else it may go fast.

        For them it rests as long as it is done in time nevertheless, and at least as it worked.
        """
        settings, now = self._settings, self._clock.monotonic()
        if self._is_quiet():
            return self._took * settings.quiet_rest_percent / 100
        left = settings.aim_seconds - (now - self._began)
        in_time = left / max(self._steps_left, 1.0) - self._took
        wanted = self._took * settings.rest_percent / 100
        return max(min(wanted, in_time), min(wanted, self._took))

    def _is_quiet(self) -> bool:
        """Nobody else writes."""
        settings, now = self._settings, self._clock.monotonic()
        return now - self._store.busy_at > settings.quiet_seconds

    async def _step(self) -> bool:
        """False: it has ended."""
        size = self._size
        began = took = 0.0
        prepared = await self._prepare()

        async def work(tx: Transaction) -> int:
            nonlocal began, took
            began = self._clock.monotonic()
            there = await self._renewed(tx)
            looked_at = await self._work(tx, there, size, prepared)
            took = self._clock.monotonic() - began
            return looked_at

        looked_at = await self._store.write(work, patient=True)
        self._took = self._clock.monotonic() - began
        if looked_at:
            self._steps_left = self._left / looked_at
            aim = self._settings.step_milliseconds / 1000
            if self._is_quiet():
                aim *= _QUIET_STEP
            fits = int(looked_at * aim / max(took, 1e-6))
            # One that was quick or slow by chance says little, and each has a price of its own.
            self._size = min(max(fits, size // 2, _LEAST), 2 * size, self._most)
        return looked_at > 0

    async def _renewed(self, tx: Transaction) -> BulkRow:
        seconds = self._settings.lease_seconds
        there = await bulk_lease.renew(tx, self._account, self._number, self._owner, seconds)
        if there is None:
            raise Lost
        return there

    async def _prepare(self) -> Prepared:
        """What takes too long for a transaction."""
        if not isinstance(self._action, RemoveAttachments) or self._undo_of is not None:
            return {}
        account, number = self._account, self._number

        async def read(db: Reader) -> list[MessageId]:
            there = await bulk.get(db, account, number)
            return await bulk_list.part(db, account, number, there.position, MOST_MESSAGES)

        return await prepare(self._store, account, await self._store.read(read))

    async def _work(self, tx: Transaction, there: BulkRow, size: int, prepared: Prepared) -> int:
        if there.status is BulkStatus.CANCELLING:
            await self._end(tx, there, BulkStatus.CANCELLED)
            return 0
        if self._undo_of is not None and there.listed == 0:
            there = await self._list_undone(tx, there, self._undo_of)
        messages = await bulk_list.part(tx, self._account, self._number, there.position, size)
        if not messages:
            doomed = doomed_of(self._action)
            why = ""
            if doomed and not there.failed and self._undo_of is None:
                looked_at, why = await self._clear_away(tx, there, doomed, size)
                if looked_at:
                    return looked_at
            await self._end(tx, there, _done(there.failed or why), why)
            return 0
        self._left = max(0, there.listed - there.position - len(messages))
        step = await self._do(tx, messages, prepared)
        await bulk_lease.advance(tx, self._account, self._number, step)
        if there.position + step.looked_at < there.listed or doomed_of(self._action):
            return step.looked_at
        # In the same transaction: nobody sees all of it done and it still running.
        await self._end(tx, there, _done(there.failed or step.failed))
        return 0

    async def _clear_away(
        self, tx: Transaction, there: BulkRow, doomed: tuple[Doomed, ...], size: int
    ) -> tuple[int, str]:
        """What came meanwhile is put behind the list; at last the folders go."""
        account, number = self._account, self._number
        late = await folders.still_inside(tx, account, doomed, size)
        if late:
            await bulk_list.add(tx, account, number, there.listed, late)
            await bulk_lease.listed(tx, account, number, there.listed + len(late))
            return len(late), ""
        return await folders.take_apart(tx, account, doomed, size)

    async def _do(self, tx: Transaction, messages: list[MessageId], prepared: Prepared) -> Step:
        if isinstance(self._action, RemoveAttachments):
            if self._undo_of is not None:
                return await restore_step(tx, self._account, self._undo_of, messages)
            first = messages[:MOST_MESSAGES]
            return await strip_step(tx, self._account, self._number, first, prepared)
        if self._undo_of is not None:
            return await undo_step(tx, self._account, self._undo_of, self._action, messages)
        return await do_step(tx, self._account, self._number, self._action, messages, self._within)

    async def _list_undone(self, tx: Transaction, there: BulkRow, undone: BulkId) -> BulkRow:
        messages = await bulk_former.noted(tx, self._account, undone)
        await folders.make_again(tx, self._account, self._action)
        await bulk_list.add(tx, self._account, self._number, 0, messages)
        await bulk_lease.listed(tx, self._account, self._number, len(messages))
        return await bulk.get(tx, self._account, self._number)

    async def _end(
        self, tx: Transaction, there: BulkRow, status: BulkStatus, why: str = ""
    ) -> None:
        undo_until = None
        if self._undo_of is None and not isinstance(self._action, Restore):
            days = self._settings.undo_days
            if isinstance(self._action, Destroy | RemoveAttachments):
                days = min(days, tx.settings.retention_days)
            undo_until = tx.now() + days * _DAY
        await bulk_lease.end(tx, there, status, undo_until, why)

    async def _give_up(self, tx: Transaction, why: str) -> None:
        await self._end(tx, await self._renewed(tx), BulkStatus.FAILED, why)

    async def _blame(self) -> None:
        """After a fault: smaller steps, and in the end one message is left out."""
        if self._size > 1:
            self._size = max(1, self._size // _SHRINK)
            return

        async def skip(tx: Transaction) -> None:
            there = await self._renewed(tx)
            left = await bulk_list.part(tx, self._account, self._number, there.position, 1)
            step = Step(len(left), 0, dict.fromkeys(left, FAULT))
            await bulk_lease.advance(tx, self._account, self._number, step)

        await self._store.write(skip)


def _done(problems: object) -> BulkStatus:
    return BulkStatus.DONE_WITH_PROBLEMS if problems else BulkStatus.DONE
