"""Requests of one person wait for their turn, as far as there is room for them."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.ids import AccountId
from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.http.desk import Turns

pytestmark = pytest.mark.timed

ALICE, BOB = AccountId(1), AccountId(2)


def turns(most: int = 2, waiting: int = 3) -> Turns:
    return Turns(most, waiting, "maxConcurrentRequests", "Too many.")


async def test_first_come_first_served() -> None:
    """Two at the same moment; the others in their order, and nobody else waits for them."""
    some, ended, served = turns(), asyncio.Event(), []

    async def ask(number: int, account: AccountId) -> None:
        async with some.take(account, 10):
            served.append(number)
            await ended.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(number, ALICE))
        await asyncio.sleep(0)
        assert served == [0, 1]
        group.create_task(ask(9, BOB))
        await asyncio.sleep(0)
        assert served == [0, 1, 9]
        ended.set()
    assert served == [0, 1, 9, 2, 3, 4]


async def test_where_too_many_wait() -> None:
    """The next one is refused at once; when all have gone there is room again."""
    some, ended = turns(), asyncio.Event()

    async def ask() -> None:
        async with some.take(ALICE, 10):
            await ended.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(ask())
        await asyncio.sleep(0)
        with pytest.raises(RequestRefused):
            await ask()
        ended.set()
    await asyncio.wait_for(ask(), 1)


async def test_a_turn_that_does_not_come() -> None:
    """It is given up in time, and whoever waits behind is served."""
    some = turns(most=1)
    async with some.take(ALICE, 10):
        with pytest.raises(TimeoutError):
            async with some.take(ALICE, 0.01):
                pytest.fail("there was no place")
    async with some.take(ALICE, 0.01):
        pass


async def test_a_request_that_is_given_up_while_it_waits() -> None:
    some, ended = turns(most=1), asyncio.Event()

    async def ask() -> None:
        async with some.take(ALICE, 10):
            await ended.wait()

    first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
    await asyncio.sleep(0)
    second.cancel()
    ended.set()
    await asyncio.gather(first, second, return_exceptions=True)
    async with some.take(ALICE, 0.01):
        pass
