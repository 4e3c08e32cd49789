"""Ctrl-C during long work: what is under way ends in order, and the command says how to go on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

INTERRUPTED = 130  # exit code, as a shell gives it
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def asking() -> Iterator[None]:
    """While a person is asked, Ctrl-C ends the command at once.

    `asyncio.run` would only cancel its task, and the question would stay on the screen.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def until_interrupted(work: Coroutine[Any, Any, T]) -> T | None:
    """What it returns; None: Ctrl-C or SIGTERM came, and it was cancelled and has cleaned up.

    A second Ctrl-C does not wait for that.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    came = False

    def stop() -> None:
        nonlocal came
        came = True
        task.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if not came:
            raise
        return None
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
