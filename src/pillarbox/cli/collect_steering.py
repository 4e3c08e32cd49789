"""Pausing, resuming, removing remote accounts, and new keys for their passwords."""

from __future__ import annotations

import argparse

from pillarbox.cli.collect_named import Named, find_remote, remotes_of
from pillarbox.cli.collect_told import count
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.output import answer
from pillarbox.ids import RemoteId


def pause(options: argparse.Namespace) -> int:
    """`pillarbox collect pause`."""

    async def work(opened: Opened) -> Named:
        named = await find_remote(opened, options, once=False)
        await remotes_of(opened).pause(named.remote.id)
        return named

    named = run_opened(options, work)
    sentence = f"{named.remote.label} is paused; 'pillarbox collect resume' lets it go on."
    return answer(options.json, _told(named, "paused"), sentence)


def resume(options: argparse.Namespace) -> int:
    """`pillarbox collect resume`."""

    async def work(opened: Opened) -> Named:
        named = await find_remote(opened, options, once=False)
        await remotes_of(opened).resume(named.remote.id)
        return named

    named = run_opened(options, work)
    sentence = f"{named.remote.label} goes on; the running server looks at it now."
    return answer(options.json, _told(named, "active"), sentence)


def remove(options: argparse.Namespace) -> int:
    """`pillarbox collect remove`."""

    async def work(opened: Opened) -> Named:
        named = await find_remote(opened, options, once=False)
        await remotes_of(opened).remove(named.remote.id)
        return named

    named = run_opened(options, work)
    sentence = f"Removed {named.remote.label}; the mail that it brought stays."
    return answer(options.json, _told(named, "removed"), sentence)


def rekey(options: argparse.Namespace) -> int:
    """`pillarbox collect rekey`."""

    async def work(opened: Opened) -> tuple[int, list[RemoteId]]:
        return await remotes_of(opened).reseal()

    done, lost = run_opened(options, work)
    sentence = f"There is a new key; {count(done, 'password')} sealed with it."
    if lost:
        numbers = ", ".join(str(number) for number in lost)
        sentence += (
            f" The old key of {count(len(lost), 'other')} is lost (numbers {numbers}): give those "
            "passwords again with 'pillarbox collect sign-in'."
        )
    answer(options.json, {"sealed": done, "lost": list(lost)}, sentence)
    return 1 if lost else 0


def _told(named: Named, state: str) -> dict[str, object]:
    return {"number": named.remote.id, "account": named.login, "state": state}
