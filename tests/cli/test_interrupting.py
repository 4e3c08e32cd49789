"""Ctrl-C: the work cleans up, and the command goes on to say what was done."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from pillarbox.cli.interrupting import until_interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_cleans_up(number: signal.Signals) -> None:
    async def main() -> tuple[object, list[str]]:
        told: list[str] = []

        async def work() -> str:
            try:
                os.kill(os.getpid(), number)
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                told.append("cleaned up")
            return "done"

        return await until_interrupted(work()), told

    assert asyncio.run(main()) == (None, ["cleaned up"])


def test_a_second_one_does_not_wait() -> None:
    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(until_interrupted(work()))


def test_what_is_not_interrupted() -> None:
    async def well() -> int:
        return 7

    async def badly() -> int:
        raise ValueError("x")

    assert asyncio.run(until_interrupted(well())) == 7
    with pytest.raises(ValueError, match="x"):
        asyncio.run(until_interrupted(badly()))


def test_who_cancels_otherwise_is_heard() -> None:
    async def main() -> None:
        task = asyncio.ensure_future(until_interrupted(asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
