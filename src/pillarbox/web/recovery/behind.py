"""Work behind an answer: what was written down for everybody alike is looked at only then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from pillarbox.errors import PillarboxError
from pillarbox.telemetry.log import get_logger

log = get_logger("web")
_MOST_AT_ONCE = 1000  # rows; as many as there may be in a day


class Behind:
    """Does one thing after the other until nothing waits."""

    def __init__(self, step: Callable[[], Awaitable[bool]], name: str) -> None:
        """`step` does one; False: nothing waits."""
        self._step = step
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._came = False  # one while the last look was under way

    def begin(self) -> None:
        """Do what waits, from before a restart, too."""
        self._came = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=self._name)

    async def end(self) -> None:
        """Wait for what is under way; what is left is done after the next start."""
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        """All that wait. What cannot be done is dropped, and the log tells."""
        for _ in range(_MOST_AT_ONCE):
            try:
                self._came = False
                if not await self._step() and not self._came:
                    return
            except PillarboxError as error:
                log.warning_event("web.wish_failed", why=str(error))
                return
            except Exception:
                log.error_event("web.wish_failed", exc=True)
                return
