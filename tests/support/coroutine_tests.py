"""Tests that are coroutines, for a folder's conftest: a `Box` among their arguments is opened."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import AsyncExitStack
from typing import Any

import pytest

from support.store_box import Box


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end on a loop of its own."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    wanted = inspect.signature(test).parameters
    asyncio.run(_run(test, {name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


async def _run(test: Any, arguments: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        for value in arguments.values():
            if isinstance(value, Box):
                await stack.enter_async_context(value)
        await test(**arguments)
