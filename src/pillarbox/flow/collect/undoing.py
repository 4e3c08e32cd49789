"""Taking back what a remote account brought while whoever asked for it does something else.

It is written down as a run of its own, so its progress is seen by every process. What breaks it
off costs nothing: the same again removes the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets

from pillarbox.clock import Clock
from pillarbox.config.collect import CollectSettings
from pillarbox.errors import NotAllowed, PillarboxError
from pillarbox.flow.collect.holding import Holder
from pillarbox.flow.collect.job import Outcome
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.undo import undo
from pillarbox.ids import RunId
from pillarbox.store import Store
from pillarbox.store.sql.remotes import RemoteRow, RemoteState
from pillarbox.telemetry.log import get_logger

log = get_logger("collect")
UNDO = "undo"  # by whom such a run was started
_LOOK_SECONDS = 0.2  # between two looks whether the run that was stopped has ended


class Undoing:
    """Of one worker; `close` it."""

    def __init__(
        self, store: Store, remotes: Remotes, settings: CollectSettings, clock: Clock
    ) -> None:
        self._store = store
        self._remotes = remotes
        self._settings = settings
        self._clock = clock
        owner = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._holder = Holder(store, settings, clock, owner)
        self._work: set[asyncio.Task[None]] = set()

    async def begin(self, remote: Remote) -> None:
        """It is paused, and stays so. Raises NotAllowed while a run of it does not end."""
        if remote.state in (RemoteState.ACTIVE, RemoteState.ATTENTION):
            await self._remotes.pause(remote.id)
        ends_at = self._clock.monotonic() + self._settings.stop_seconds
        while (row := await self._holder.take(remote.id)) is None:
            if self._clock.monotonic() >= ends_at:
                raise NotAllowed("Mail is being fetched just now. Try again when that has ended.")
            await self._clock.sleep(_LOOK_SECONDS)
        task = asyncio.create_task(self._undo(row), name=f"undo-{remote.id}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def close(self) -> None:
        """Break off what is under way."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _undo(self, row: RemoteRow) -> None:
        progress = Progress(phase="settling")

        def watch(done: int, of: int) -> None:
            progress.messages_done, progress.messages = done, of

        async def run(_: RunId) -> Outcome:
            undone = await undo(self._store, row.account, row.id, watch=watch)
            progress.removed = undone.removed
            progress.skipped = undone.moved
            progress.settled = undone.settled
            return Outcome()

        try:
            work = self._holder.record(row.id, UNDO, progress, run)
            await self._holder.keep(row, work)
        except PillarboxError as error:
            log.warning_event("collect.undo_failed", remote=row.id, why=str(error))
        except Exception:
            log.error_event("collect.undo_failed", remote=row.id, exc=True)
        finally:
            with contextlib.suppress(PillarboxError):  # then the lease ends by itself
                await self._holder.give_back(row.id)
