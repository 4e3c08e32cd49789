"""One process at a time works at a remote account: it holds the lease for as long as it does.

The work is cancelled when the lease is lost, and soon after a person paused or removed the remote
account. A run's progress is written down beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

import msgspec

from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.collect import CollectSettings
from pillarbox.errors import PillarboxError, Unavailable
from pillarbox.flow.collect.backoff import LONGEST_ASKED
from pillarbox.flow.collect.job import Outcome
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.ids import RemoteId, RunId
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import remote_lease, remote_runs
from pillarbox.store.sql.remote_lease import Ended, Renewed
from pillarbox.store.sql.remotes import REMOTES, RemoteRow, RemoteState

T = TypeVar("T")
Reason = Literal["paused", "removed", "changed", "lost"]

_RENEWALS = 3  # in the time of a lease: two may fail
_REMARKS = 5  # of a run that are shown with it
_TROUBLES_SHOWN = 20  # while it runs; all are written at the end

_SENTENCES: dict[Reason, str] = {
    "paused": "The remote account was paused.",
    "removed": "The remote account was removed.",
    "changed": "The remote account was changed; it is looked at anew.",
    "lost": "Another process has taken the remote account over.",
}


class Stopped(PillarboxError):
    """The work was broken off; what was brought so far is here."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason: Reason = reason


class Holder:
    """A process that works at remote accounts, under a name of its own."""

    def __init__(self, store: Store, settings: CollectSettings, clock: Clock, owner: str) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._owner = owner

    async def take(self, remote: RemoteId) -> RemoteRow | None:
        """The lease; None: somebody else has it. Raises NoSuchRemote."""
        seconds = self._settings.lease_seconds
        return await self._store.write(
            lambda tx: remote_lease.lease_one(tx, remote, self._owner, seconds), short=True
        )

    async def keep(self, row: RemoteRow, work: Coroutine[Any, Any, T]) -> T:
        """Do the work while the lease of `take` is renewed beside it. Raises Stopped."""
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self._watch(row))
        try:
            await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await _cancelled(working)
                if working.cancelled():
                    raise Stopped(watching.result())
            return working.result()
        finally:
            await _cancelled(working, watching)

    async def end(self, remote: RemoteId, ended: Ended) -> bool:
        """Give the lease back with what came of it; False: it is lost."""
        return await self._store.write(
            lambda tx: remote_lease.end(tx, remote, self._owner, ended), short=True
        )

    async def went_well(self, remote: RemoteId) -> None:
        """Say so, and keep the lease: more will come over the same connection."""
        await self._store.write(
            lambda tx: remote_lease.went_well(tx, remote, self._owner), short=True
        )

    async def give_back(self, remote: RemoteId) -> None:
        """Let others go on at once, as if nothing had been done."""
        await self._store.write(
            lambda tx: remote_lease.give_back(tx, remote, self._owner), short=True
        )

    async def _watch(self, row: RemoteRow) -> Reason:
        """Renew; returns why the work must end."""
        steered = asyncio.Event()
        watch = self._store.feed.subscribe(REMOTES, lambda _: steered.set())
        until = self._clock.monotonic() + self._settings.lease_seconds
        try:
            while True:
                steered.clear()
                try:
                    now = await self._renew(row.id)
                except Unavailable:  # the disk is full, say; the lease lasts a while yet
                    if self._clock.monotonic() >= until:
                        return "lost"
                else:
                    reason = _reason_to_end(row, now)
                    if reason is not None:
                        return reason
                    until = self._clock.monotonic() + self._settings.lease_seconds
                await self._either(steered, self._settings.lease_seconds / _RENEWALS)
        finally:
            watch.cancel()

    async def _renew(self, remote: RemoteId) -> Renewed | None:
        seconds = self._settings.lease_seconds
        return await self._store.write(
            lambda tx: remote_lease.renew(tx, remote, self._owner, seconds), short=True
        )

    async def _either(self, event: asyncio.Event, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(event.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled(*waits)

    # Runs

    async def record(
        self,
        remote: RemoteId,
        started_by: str,
        progress: Progress,
        run: Callable[[RunId], Awaitable[Outcome]],
    ) -> Outcome:
        """Do a run under the lease, and write down how far it is and how it ended."""
        store = self._store
        number = await store.write(
            lambda tx: remote_runs.begin_run(tx, remote, started_by), short=True
        )
        noting = asyncio.ensure_future(self._note(number, progress))
        how: remote_runs.Outcome = "failed"
        why = ""
        try:
            outcome = await run(number)
            how = "done" if outcome.complete else "failed"
            why = outcome.why or " ".join(outcome.remarks[:_REMARKS])
        except asyncio.CancelledError:
            how = "stopped"
            raise
        except PillarboxError as error:
            why = str(error)
            if isinstance(error, SourceFailure) and error.retry_after > 0:
                rest = min(math.ceil(error.retry_after), LONGEST_ASKED)
                progress.throttled_until = unix_seconds(self._clock.now()) + rest
            raise
        except Exception:
            why = "A fault of ours ended this run; the log tells which."
            raise
        finally:
            await _cancelled(noting)
            progress.phase = "ended"
            progress.why = why or progress.why
            with contextlib.suppress(Unavailable):
                await store.write(self._ending(number, how, why, progress), short=True)
        return outcome

    def _ending(
        self, run: RunId, how: remote_runs.Outcome, why: str, progress: Progress
    ) -> Callable[[Transaction], Awaitable[bool]]:
        octets = _encode(progress)
        keep = self._settings.keep_runs
        is_eventful = bool(
            progress.brought
            or progress.failed
            or progress.settled
            or progress.flags_changed
            or progress.removed
        )

        async def write(tx: Transaction) -> bool:
            return await remote_runs.end_run(
                tx, run, how, why=why, eventful=is_eventful, progress=octets, keep=keep
            )

        return write

    async def _note(self, run: RunId, progress: Progress) -> None:
        """Write down how far it is, where that has changed."""
        last = ""
        while True:
            await self._clock.sleep(self._settings.progress_seconds)
            shown = msgspec.structs.replace(progress, troubles=progress.troubles[:_TROUBLES_SHOWN])
            octets = _encode(shown)
            if octets != last:
                with contextlib.suppress(Unavailable):
                    await self._store.write(_updating(run, octets), short=True)
                    last = octets


def _reason_to_end(row: RemoteRow, now: Renewed | None) -> Reason | None:
    if now is None:
        return "lost"
    if now.state is RemoteState.REMOVED:
        return "removed"
    if now.state is RemoteState.PAUSED and row.state is not RemoteState.PAUSED:
        return "paused"
    if (now.settings, now.due_at) != (row.settings, row.due_at):
        return "changed"  # or asked to be looked at now
    return None


def _updating(run: RunId, progress: str) -> Callable[[Transaction], Awaitable[bool]]:
    return lambda tx: remote_runs.update_run(tx, run, progress)


def _encode(progress: Progress) -> str:
    return msgspec.json.encode(progress).decode()


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them and wait until they have ended, whatever they say."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
