"""An event loop that knows when nothing moves any more, so that a fake clock can go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")
_SOON = 0.05  # seconds: a timer of asyncio's own that is nearer is waited for
_LOOK_SECONDS = 0.0005  # between looks whether threads have ended


class QuietLoop(asyncio.SelectorEventLoop):
    """Counts the work that is in threads; all else it sees in its own lists."""

    def __init__(self) -> None:
        super().__init__()
        self._elsewhere = 0

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        future = super().run_in_executor(executor, func, *args)
        self._elsewhere += 1
        future.add_done_callback(self._came_back)
        return future

    def counted(self, function: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """`function`, whose end another thread decides, counted while it is under way."""

        async def call(*args: Any, **more: Any) -> T:
            self._elsewhere += 1
            try:
                return await function(*args, **more)
            finally:
                self._elsewhere -= 1

        return call

    async def quiet(self) -> None:
        """Return when all that is left are waits for the clock that was handed in."""
        while True:
            await asyncio.sleep(0)
            if self._elsewhere or self._has_timer_soon():
                await asyncio.sleep(_LOOK_SECONDS)
            elif not self._ready:  # type: ignore[attr-defined]
                return

    def _came_back(self, _future: Any) -> None:
        self._elsewhere -= 1

    def _has_timer_soon(self) -> bool:
        limit = self.time() + _SOON
        timers = self._scheduled  # type: ignore[attr-defined]
        return any(not timer.cancelled() and timer.when() <= limit for timer in timers)


def run_quietly(work: Callable[[], Awaitable[T]]) -> T:
    """`asyncio.run` on such a loop."""

    async def whole() -> T:
        return await work()

    with asyncio.Runner(loop_factory=QuietLoop) as runner:
        return runner.run(whole())
