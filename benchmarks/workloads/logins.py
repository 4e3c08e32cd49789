"""Connecting, signing in and leaving; every password has been checked once before."""

from __future__ import annotations

import asyncio

from benchmarks.measure import Bench, timed
from benchmarks.workloads.filling import signed_in

USERS = 20
AT_ONCE = 20


async def logins(bench: Bench) -> None:
    """LOGIN over 20 connections at a time, with a warm credential cache."""
    for _ in range(3):  # each worker process has a cache of its own
        for user in range(USERS):
            peer = await signed_in(bench.contender, user)
            await peer.command(b"LOGOUT")
            peer.close()
    each = bench.scaled(100, 5)
    with bench.measure("logins", each * AT_ONCE) as row:

        async def work(user: int) -> None:
            for _ in range(each):
                with timed(row):
                    peer = await signed_in(bench.contender, user)
                    await peer.command(b"LOGOUT")
                    peer.close()

        await asyncio.gather(*(work(user) for user in range(AT_ONCE)))
