"""One remote account: signed in to, brought from, and what came of it written down.

The worker and the command line go the same way, so they cannot be at one remote account at once.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pillarbox.accounts.vault import VaultClosed
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.collect import CollectSettings
from pillarbox.errors import NotAllowed, PillarboxError
from pillarbox.flow.collect.backoff import Failure, after_failure, after_success
from pillarbox.flow.collect.holding import Holder, Stopped
from pillarbox.flow.collect.job import Job, Outcome, Sorter
from pillarbox.flow.collect.progress import Progress, Watch
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.settings import RemoteSettings, SignIn
from pillarbox.flow.collect.source import Source, SourceFailure
from pillarbox.ids import RemoteId, RunId
from pillarbox.store import Store
from pillarbox.store.model import Role
from pillarbox.store.sql.remote_lease import Ended
from pillarbox.store.sql.remotes import RemoteState
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import COLLECT_RUNS, COLLECTED

log = get_logger("collect")

SignInNow = Callable[[], Awaitable[SignIn]]  # asked at each connection: a token ends
OpenSource = Callable[[RemoteSettings, SignIn | None], Awaitable[Source]]
OpenRemote = Callable[[RemoteSettings, SignInNow], Awaitable[Source]]
Refresh = Callable[[SignIn], Awaitable[SignIn]]
Run = Callable[[Job, Source, Progress, Watch], Awaitable[Outcome]]


def nobody_watches(_: Progress) -> None:
    """For a run that nobody looks at."""


def nothing_is_kept(_: RemoteSettings) -> None:
    """Where no files are given to pages."""


def new_owner() -> str:
    """A name for whoever takes leases: of no process before or after."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What bringing mail is made of; `collecting_parts.make_parts` joins the real ones."""

    store: Store
    settings: CollectSettings
    clock: Clock
    remotes: Remotes
    open_remote: OpenRemote
    refresh: Refresh  # an OAuth grant whose time is over; others stay as they are
    run: Run
    forget_file: Callable[[RemoteSettings], None] = nothing_is_kept  # that was uploaded
    sorter: Sorter | None = None

    async def open(self, settings: RemoteSettings, sign_in: SignIn | None) -> Source:
        """A source that is not stored, for trying; its grant is not refreshed."""

        async def now() -> SignIn:
            if sign_in is None:
                raise VaultClosed("There is no password to sign in with. Enter it.")
            return sign_in

        return await self.open_remote(settings, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is done this time."""

    started_by: str = "schedule"  # or "hand"
    sign_in: SignIn | None = None  # one that is not stored
    open: OpenSource | None = None  # another way to the source than the parts' own
    confirmed: bool = False  # a person has said yes to many deletions
    watch: Watch = nobody_watches


class Session:
    """A connection to a remote account's source, and the runs over it; `close` it."""

    def __init__(self, parts: Parts, holder: Holder, remote: Remote, way: Way) -> None:
        self._parts = parts
        self._holder = holder
        self._remote = remote
        self._way = way
        self._source: Source | None = None

    async def run(self, progress: Progress) -> Outcome:
        """Bring what is new. Raises SourceFailure, VaultClosed and what the store raises."""

        async def work(number: RunId) -> Outcome:
            remote = self._remote
            if self._source is None:
                self._source = await open_source(self._parts, remote, self._way)
            job = Job(
                store=self._parts.store,
                account=remote.account,
                remote=remote.id,
                run=number,
                settings=remote.settings,
                clock=self._parts.clock,
                limits=self._parts.settings.intake,
                sorter=self._parts.sorter,
                confirmed=self._way.confirmed,
            )
            return await self._parts.run(job, self._source, progress, self._way.watch)

        try:
            return await self._holder.record(self._remote.id, self._way.started_by, progress, work)
        finally:
            COLLECTED.inc(progress.brought)

    async def wait(self, seconds: float) -> bool:
        """Until the inbox may have changed; False: in vain. Raises SourceFailure."""
        assert self._source is not None
        for folder in await self._source.folders():
            if folder.role is Role.INBOX or folder.path.upper() == "INBOX":
                await self._source.open(folder)
                return await self._source.wait(seconds)
        await self._parts.clock.sleep(seconds)
        return False

    async def close(self) -> None:
        """Take leave."""
        if self._source is not None:
            source, self._source = self._source, None
            await source.close()


async def open_source(parts: Parts, remote: Remote, way: Way) -> Source:
    """As a run does: with the stored sign-in, whose grant is renewed when its time is over."""
    if way.open is not None:
        return await way.open(remote.settings, way.sign_in)
    given = way.sign_in

    async def now() -> SignIn:
        nonlocal given
        if given is not None:
            given = await parts.refresh(given)
            return given
        return await stored_sign_in(parts, remote)

    return await parts.open_remote(remote.settings, now)


async def stored_sign_in(parts: Parts, remote: Remote) -> SignIn:
    """As it can be used now. Raises VaultClosed, SourceFailure."""
    renewing = asyncio.ensure_future(_renewed_sign_in(parts, remote))
    try:
        return await asyncio.shield(renewing)
    except asyncio.CancelledError:
        # A refresh token may be worth nothing once it was used: the new one is kept all the same.
        await asyncio.wait([renewing])
        raise


async def _renewed_sign_in(parts: Parts, remote: Remote) -> SignIn:
    stored = await parts.remotes.sign_in(remote.id)
    fresh = await parts.refresh(stored)
    if fresh != stored:
        await parts.remotes.keep_sign_in(remote.id, fresh)
    return fresh


async def run_once(parts: Parts, remote: RemoteId, way: Way, progress: Progress) -> Outcome:
    """One run by hand, with the lease that a worker would have.

    Raises NotAllowed while another process is at it, Stopped, SourceFailure and what the store
    raises; how it ended is written down all the same.
    """
    holder = Holder(parts.store, parts.settings, parts.clock, new_owner())
    row = await holder.take(remote)
    if row is None:
        raise NotAllowed("Another process brings mail from this remote account just now.")
    taken = parts.remotes.of_row(row)
    session = Session(parts, holder, taken, way)

    async def work() -> Outcome:
        try:
            return await session.run(progress)
        finally:
            await session.close()

    try:
        outcome = await holder.keep(row, work())
    except (Stopped, asyncio.CancelledError):
        await holder.give_back(remote)
        raise
    except Exception as error:
        await end_run(parts, holder, taken, ended_by(parts, taken, failure_of(error)))
        raise
    await end_run(parts, holder, taken, ended_by(parts, taken, failure_in(outcome)))
    return outcome


async def end_run(parts: Parts, holder: Holder, remote: Remote, ended: Ended) -> None:
    """The lease is given back; a file of ours whose mail is here is kept no longer."""
    await holder.end(remote.id, ended)
    if ended.state is RemoteState.DONE and remote.settings.uploaded:
        await asyncio.to_thread(parts.forget_file, remote.settings)


def failure_in(outcome: Outcome) -> Failure | None:
    """Why a run that was not broken off did not go well; None: it did."""
    if outcome.stopped == "quota":
        return Failure("quota", outcome.why)
    if not outcome.complete:
        return Failure("protocol", outcome.why or "Not everything could be looked at.")
    return None


def failure_of(error: Exception) -> Failure:
    """Why a run was broken off. What nobody expected is logged."""
    if isinstance(error, SourceFailure):
        return Failure(error.trouble, str(error), error.retry_after)
    if isinstance(error, VaultClosed):
        return Failure("sealed", str(error))
    if isinstance(error, PillarboxError):
        return Failure("here", str(error))
    log.error_event("collect.fault", exc=error)
    return Failure("fault", "A fault of ours ended the run; the server's log tells which.")


def ended_by(parts: Parts, remote: Remote, failure: Failure | None) -> Ended:
    """What is stored about the end, and when the next run is."""
    now = unix_seconds(parts.clock.now())
    chance = random.random()  # noqa: S311 - it only spreads the load
    COLLECT_RUNS.labels(failure.trouble if failure is not None else "").inc()
    if failure is None:
        return after_success(parts.settings, remote.settings, now=now, chance=chance)
    log.warning_event(
        "collect.failed",
        remote=remote.id,
        account=remote.account,
        host=remote.settings.server.host if remote.settings.server is not None else "",
        trouble=failure.trouble,
        why=failure.why,
        failures=remote.failures + 1,
    )
    before = (remote.trouble, remote.failures)
    return after_failure(parts.settings, failure, before=before, now=now, chance=chance)
