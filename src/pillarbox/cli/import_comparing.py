"""`pillarbox import compare`: the same words as the import, and a plain answer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pillarbox.cli.bringing import bar_of, hinting, open_source
from pillarbox.cli.compare_shown import print_comparison
from pillarbox.cli.import_running import known_import, settings_of, sign_in_of
from pillarbox.cli.interrupting import INTERRUPTED, until_interrupted
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.clock import SystemClock
from pillarbox.flow.collect.compare import Ask, Comparison, compare
from pillarbox.flow.collect.folders import FolderPlan, plan_folders
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.places import look
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.settings import RemoteSettings, SignIn
from pillarbox.flow.collect.source import RemoteFolder
from pillarbox.ids import AccountId, RemoteId, RunId


def compare_now(options: argparse.Namespace) -> int:
    """`pillarbox import compare …`."""

    async def work(opened: Opened) -> Comparison | None:
        account = await opened.admin.find_account(options.account)
        settings = await settings_of(opened, options)
        known = await known_import(opened, account.id, settings)
        sign_in = await sign_in_of(opened, options, settings)
        remote = RemoteId(0) if known is None else known.id
        asked = await _ask(opened, account.id, remote, settings, by_octets=options.hashes)
        with hinting(options):
            return await until_interrupted(_compared(opened, options, asked, settings, sign_in))

    found = run_opened(options, work)
    if found is None:
        return INTERRUPTED
    return print_comparison(found, as_json=options.json)


async def _ask(
    opened: Opened,
    account: AccountId,
    remote: RemoteId,
    settings: RemoteSettings,
    *,
    by_octets: bool,
) -> Ask:
    """Folders go to the mailboxes that the import gave them, the others where it would."""
    job = Job(
        store=opened.store,
        account=account,
        remote=remote,
        run=RunId(0),
        settings=settings,
        clock=SystemClock(),
    )
    here = await opened.store.read(lambda db: look(db, job))

    def plan(folders: Sequence[RemoteFolder]) -> FolderPlan:
        return plan_folders(folders, settings, here.here, opened.store.settings)

    return Ask(
        store=opened.store,
        account=account,
        plan=plan,
        label=settings.keyword,
        by_octets=by_octets,
    )


async def _compared(
    opened: Opened,
    options: argparse.Namespace,
    ask: Ask,
    settings: RemoteSettings,
    sign_in: SignIn | None,
) -> Comparison:
    shown = bar_of(options)
    async with shown.shown():
        source = await open_source(opened, options, settings, sign_in)
        try:
            return await compare(ask, source, Progress(), shown.watch)
        finally:
            await source.close()
