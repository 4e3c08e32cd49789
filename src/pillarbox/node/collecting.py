"""One worker's part in collecting: it leases what is due, brings it, and waits where it may.

All workers do the same beside one another; who has a remote account's lease is at it. A process
that is killed leaves its leases to end by themselves, and another goes on where it was.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import msgspec

from pillarbox.clock import unix_seconds
from pillarbox.errors import PillarboxError
from pillarbox.flow.collect.backoff import LONGEST_ASKED
from pillarbox.flow.collect.holding import Holder, Stopped
from pillarbox.flow.collect.job import Outcome
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.ids import RemoteId
from pillarbox.node.collecting_one import (
    Parts,
    Session,
    Way,
    end_run,
    ended_by,
    failure_in,
    failure_of,
    new_owner,
)
from pillarbox.store import Store
from pillarbox.store.sql import remote_lease, remotes
from pillarbox.store.sql.remote_lease import Ended
from pillarbox.store.sql.remotes import REMOTES, RemoteRow
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import COLLECT_OPEN
from pillarbox.telemetry.metrics import REMOTES as REMOTES_GAUGE

log = get_logger("collect")

_SOON_SECONDS = 5  # after a connection ended that only waited: servers end those now and then


class Collecting:
    """`start`, then `drain`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._clock = parts.clock
        self._holder = Holder(parts.store, parts.settings, parts.clock, new_owner())
        self._slots = _Slots(parts.settings.concurrent, parts.settings.concurrent_per_host)
        self._work: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Take part from now on; call it on the loop."""
        self._watch = self._parts.store.feed.subscribe(REMOTES, lambda _: self._due.set())
        self._tasks = [
            asyncio.create_task(self._take_turns(), name="collect"),
            asyncio.create_task(self._tick(), name="collect-tick"),
        ]
        self._due.set()

    async def drain(self, seconds: float) -> None:
        """Take nothing new, break off what is under way where it can go on; again is harmless."""
        if not self._tasks:
            return
        self._watch.cancel()
        tasks = [*self._tasks, *self._work]
        self._tasks = []
        for task in tasks:
            task.cancel()
        ends = asyncio.ensure_future(asyncio.gather(*tasks, return_exceptions=True))
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        await asyncio.wait((ends, timer), return_when=asyncio.FIRST_COMPLETED)
        for future in (ends, timer):
            future.cancel()
        await asyncio.gather(ends, timer, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._settings.round_seconds)
            self._due.set()

    async def _take_turns(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._take()
            except PillarboxError as error:
                log.warning_event("collect.take_failed", why=str(error))
            except Exception:
                log.error_event("collect.take_failed", exc=True)

    async def _take(self) -> None:
        """Lease what is due, as much as there is room for."""
        while await self._take_some():
            pass  # a host that is full now is left out of the next look

    async def _take_some(self) -> bool:
        """False: there is no more room, or nothing more is due."""
        room = self._slots.room
        if room <= 0:
            return False  # a place that becomes free says so
        now, full = unix_seconds(self._clock.now()), self._slots.full_hosts()
        found = await self._parts.store.read(
            lambda db: remote_lease.due(db, now, but_at=full, limit=room)
        )
        taken = 0
        for number, host in found:
            if not self._slots.has_room(host):
                continue
            self._slots.take_now(host)
            place = _Place(self._slots, host, self._due)
            row = None
            try:
                row = await self._holder.take(number)
            finally:
                if row is None:  # another process was quicker, or the store cannot now
                    place.leave()
            if row is not None:
                taken += 1
                task = asyncio.create_task(self._work_at(row, place), name=f"collect-{number}")
                self._work.add(task)
                task.add_done_callback(self._work.discard)
        return taken > 0

    # One remote account

    async def _work_at(self, row: RemoteRow, place: _Place) -> None:
        """From the lease to its end."""
        try:
            remote = self._parts.remotes.of_row(row)
            ended = await self._holder.keep(row, self._bring(remote, place))
            await end_run(self._parts, self._holder, remote, ended)
        except Stopped as stopped:
            log.event("collect.stopped", remote=row.id, reason=stopped.reason)
            await self._give_back(row.id)
        except asyncio.CancelledError:
            await self._give_back(row.id)
            raise
        except PillarboxError as error:  # the store: the lease ends by itself
            log.warning_event("collect.end_failed", remote=row.id, why=str(error))
        except Exception:
            log.error_event("collect.end_failed", remote=row.id, exc=True)
        finally:
            place.leave()

    async def _give_back(self, remote: RemoteId) -> None:
        try:
            await self._holder.give_back(remote)
        except PillarboxError as error:
            log.warning_event("collect.end_failed", remote=remote, why=str(error))

    async def _bring(self, remote: Remote, place: _Place) -> Ended:
        """Runs over one connection, and between them it waits for new mail."""
        session = Session(self._parts, self._holder, remote, Way())
        try:
            while True:
                try:
                    failure = failure_in(await self._run(session))
                except Exception as error:
                    failure = failure_of(error)
                ended = ended_by(self._parts, remote, failure)
                if failure is not None or not self._may_wait(remote):
                    return ended
                await self._holder.went_well(remote.id)
                remote = msgspec.structs.replace(remote, trouble="", failures=0)
                place.leave()
                since = self._clock.monotonic()
                try:
                    await self._wait(session, remote)
                except SourceFailure as error:
                    log.debug_event("collect.wait_ended", remote=remote.id, why=str(error))
                    return self._again(since, error)
                await place.enter()
        finally:
            await session.close()

    async def _run(self, session: Session) -> Outcome:
        with COLLECT_OPEN.labels("running").track_inprogress():
            return await session.run(Progress())

    def _again(self, since: float, failure: SourceFailure) -> Ended:
        """After waiting was broken off: soon, unless the server always does so, or asks for time;
        to sign in every few seconds would get the account locked there."""
        asked = min(math.ceil(failure.retry_after), LONGEST_ASKED)
        lasted = math.floor(self._clock.monotonic() - since)
        rest = self._settings.shortest_schedule_seconds - lasted
        return Ended(due_at=unix_seconds(self._clock.now()) + max(_SOON_SECONDS, rest, asked))

    def _may_wait(self, remote: Remote) -> bool:
        return (
            remote.settings.idle
            and not remote.settings.once
            and self._waiting < self._settings.waiting
        )

    async def _wait(self, session: Session, remote: Remote) -> None:
        shortest = self._settings.shortest_schedule_seconds
        self._waiting += 1
        try:
            with COLLECT_OPEN.labels("waiting").track_inprogress():
                await session.wait(max(remote.settings.schedule_seconds, shortest))
        finally:
            self._waiting -= 1


class _Slots:
    """How many remote accounts are brought from at this moment, in all and at each host."""

    def __init__(self, most: int, most_per_host: int) -> None:
        self._most = most
        self._most_per_host = most_per_host
        self._at: Counter[str] = Counter()
        self._freed = asyncio.Event()

    @property
    def room(self) -> int:
        """Places that are free."""
        return self._most - self._at.total()

    def has_room(self, host: str) -> bool:
        """Whether one may begin there."""
        return self.room > 0 and (not host or self._at[host] < self._most_per_host)

    def full_hosts(self) -> list[str]:
        """Where no more may begin just now."""
        return [host for host, count in self._at.items() if count >= self._most_per_host]

    def take_now(self, host: str) -> None:
        """After `has_room`."""
        self._at[host] += 1

    async def take(self, host: str) -> None:
        """When there is room."""
        while not self.has_room(host):
            self._freed.clear()
            await self._freed.wait()
        self.take_now(host)

    def give(self, host: str) -> None:
        """A place is free again."""
        self._at[host] -= 1
        if not self._at[host]:
            del self._at[host]
        self._freed.set()


class _Place:
    """The place of one remote account among the `_Slots`; it has it when it is made."""

    def __init__(self, slots: _Slots, host: str, freed: asyncio.Event) -> None:
        self._slots = slots
        self._host = host
        self._freed = freed
        self._has = True

    async def enter(self) -> None:
        """Wait for it."""
        await self._slots.take(self._host)
        self._has = True

    def leave(self) -> None:
        """Give it to others; again is harmless."""
        if self._has:
            self._has = False
            self._slots.give(self._host)
            self._freed.set()


async def keep_remotes(store: Store, remote_accounts: Remotes) -> None:
    """Delete what is left of those that were removed, and count what there is."""
    await remote_accounts.sweep()
    for state, count in (await store.read(remotes.counts)).items():
        REMOTES_GAUGE.labels(state.value).set(count)
