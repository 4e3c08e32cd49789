"""Coroutines that are run at once: most answers wait for nothing, and a task for each costs more
than many of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any


def begin(doing: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run it up to where it first waits; the task that does the rest, None when there is none.

    What runs at once stands in no task, so it may not begin an `asyncio.timeout` or its kin.
    """
    try:
        waiting = doing.send(None)
    except StopIteration:
        return None
    return asyncio.get_running_loop().create_task(_go_on(doing, waiting))


@coroutine
def _go_on(doing: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """Wait for what it waits for, and so on to its end."""
    try:
        while True:
            try:
                answer = yield waiting
            except BaseException as error:  # a cancelled task, too, is told where it waits
                waiting = doing.throw(error)
            else:
                waiting = doing.send(answer)
    except StopIteration:
        return
