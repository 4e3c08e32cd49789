"""`pillarbox collect run` and `test`: what the server does by itself, now and to be looked at."""

from __future__ import annotations

import argparse

from pillarbox.cli.bringing import bring, print_brought
from pillarbox.cli.collect_named import Named, find_remote, find_remotes
from pillarbox.cli.forecasting import Asked, forecast_now
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.errors import NotFound

AGAIN = "it goes on by itself at the next look, or at once with 'pillarbox collect run'."


def run_now(options: argparse.Namespace) -> int:
    """`pillarbox collect run`."""

    async def work(opened: Opened) -> int:
        codes = []
        for named in await _meant(opened, options):
            if options.dry_run:
                codes.append(await _forecast(opened, options, named))
                continue
            brought = await bring(opened, options, named.remote)
            codes.append(print_brought(brought, options, named.remote.label, AGAIN))
            if brought.was_interrupted:
                break
        return max(codes)

    return run_opened(options, work)


def test(options: argparse.Namespace) -> int:
    """`pillarbox collect test`."""

    async def work(opened: Opened) -> int:
        return await _forecast(opened, options, await find_remote(opened, options, once=False))

    return run_opened(options, work)


async def _meant(opened: Opened, options: argparse.Namespace) -> list[Named]:
    if options.remote:
        return [await find_remote(opened, options, once=False)]
    found = await find_remotes(opened, options.account, once=False)
    if not found:
        raise NotFound(
            f"No mail is collected for {options.account}. 'pillarbox collect add' begins it."
        )
    return found


async def _forecast(opened: Opened, options: argparse.Namespace, named: Named) -> int:
    remote = named.remote
    asked = Asked(
        account=remote.account,
        login=named.login,
        known=remote,
        settings=remote.settings,
        sign_in=None,
    )
    return await forecast_now(opened, options, asked)
