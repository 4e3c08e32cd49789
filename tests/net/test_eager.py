"""What waits for nothing is done at once; what waits goes on in a task."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.net.eager import begin


def test_what_waits_for_nothing_needs_no_task() -> None:
    async def test() -> None:
        done: list[int] = []

        async def work() -> None:
            done.append(1)

        assert begin(work()) is None
        assert done == [1]

    asyncio.run(test())


def test_the_rest_of_what_waits_is_a_task() -> None:
    async def test() -> None:
        seen: list[object] = []
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            seen.append("begun")
            await asyncio.sleep(0)
            seen.append(await answer)
            try:
                await asyncio.get_running_loop().run_in_executor(None, int, "no number")
            except ValueError:
                seen.append("caught")
            seen.append(asyncio.current_task())

        task = begin(work())
        assert seen == ["begun"]
        asyncio.get_running_loop().call_later(0.01, answer.set_result, "answered")
        assert task is not None
        await task
        assert seen == ["begun", "answered", "caught", task]

    asyncio.run(test())


def test_a_cancelled_one_is_told_where_it_waits() -> None:
    async def test() -> None:
        told: list[str] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

        task = begin(work())
        assert task is not None
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == ["cancelled"]

    asyncio.run(test())


def test_errors_are_those_of_the_coroutine() -> None:
    async def test() -> None:
        async def at_once() -> None:
            raise KeyError("at once")

        async def later() -> None:
            await asyncio.sleep(0)
            raise KeyError("later")

        with pytest.raises(KeyError, match="at once"):
            begin(at_once())
        task = begin(later())
        assert task is not None
        with pytest.raises(KeyError, match="later"):
            await task

    asyncio.run(test())
