"""Tests of JMAP are coroutines; a `box` among their arguments is opened around them."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from support.jmap_bench import JmapBox
from support.store_box import Box


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end on a loop of its own."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    wanted = inspect.signature(test).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    asyncio.run(_run(test, arguments))
    return True


async def _run(test: Any, arguments: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        for value in arguments.values():
            if isinstance(value, Box):
                await stack.enter_async_context(value)
        await test(**arguments)


@pytest.fixture
def box(tmp_path: Path) -> JmapBox:
    """A store with the account alice, asked by JMAP; `box.clock` is a FakeClock."""
    return JmapBox(tmp_path)
