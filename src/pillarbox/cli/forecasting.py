"""`--dry-run` and `collect test`: what would come, whither, and whether there is room for it."""

from __future__ import annotations

import argparse

import msgspec

from pillarbox.cli.bringing import bar_of, hinting, notes_of, open_source, parts_of, print_line
from pillarbox.cli.collect_told import count, in_order
from pillarbox.cli.interrupting import INTERRUPTED, until_interrupted
from pillarbox.cli.opened import Opened
from pillarbox.cli.output import plain, print_table, size
from pillarbox.clock import SystemClock
from pillarbox.flow.collect.folders import tell_unknown
from pillarbox.flow.collect.job import Job
from pillarbox.flow.collect.plan import FolderForecast, Forecast, forecast
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import RemoteSettings, SignIn
from pillarbox.ids import AccountId, RemoteId, RunId
from pillarbox.node.collecting_one import Way
from pillarbox.node.collecting_one import open_source as open_stored


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at."""

    account: AccountId
    login: str  # here
    known: Remote | None  # None: nothing was ever brought from there
    settings: RemoteSettings
    sign_in: SignIn | None  # None: files, or the stored one


class Foreseen(msgspec.Struct, frozen=True):
    """What would come, and what else the source has to say."""

    forecast: Forecast
    notes: list[str]


async def forecast_now(opened: Opened, options: argparse.Namespace, asked: Asked) -> int:
    """List what is there and print what would become of it. Raises SourceFailure."""
    with hinting(options):
        found = await until_interrupted(_forecast(opened, options, asked))
    if found is None:
        return INTERRUPTED
    return print_forecast(found, options, asked)


async def _forecast(opened: Opened, options: argparse.Namespace, asked: Asked) -> Foreseen:
    shown = bar_of(options)
    job = Job(
        store=opened.store,
        account=asked.account,
        remote=RemoteId(0) if asked.known is None else asked.known.id,
        run=RunId(0),
        settings=asked.settings,
        clock=SystemClock(),
        limits=opened.settings.collect.intake,
    )
    async with shown.shown():
        if asked.known is None or asked.settings.once:
            source = await open_source(opened, options, asked.settings, asked.sign_in)
        else:
            way = Way(started_by="hand")
            source = await open_stored(parts_of(opened, options), asked.known, way)
        try:
            found = await forecast(job, source, Progress(), shown.watch)
            return Foreseen(found, notes_of([source]))
        finally:
            await source.close()


def print_forecast(foreseen: Foreseen, options: argparse.Namespace, asked: Asked) -> int:
    """Exit code 1: there is no room for all of it, or a folder that was named is not there."""
    found = foreseen.forecast
    if options.json:
        value = {"event": "forecast", "suffices": found.suffices, "to_come": found.to_come}
        value |= {"octets_to_come": found.octets_to_come, "remarks": foreseen.notes}
        value |= msgspec.to_builtins(found)
        print_line(value)
        return 0 if found.suffices and not found.unknown else 1
    rows = [
        (one.there, _whither(one), one.messages, one.already, size(one.octets_to_come))
        for one in sorted(found.folders, key=lambda one: in_order(one.there))
    ]
    print_table(("FOLDER THERE", "MAILBOX HERE", "MESSAGES", "HERE ALREADY", "TO COME"), rows)
    print()
    for line in (*remarks(found), *foreseen.notes):
        print(plain(line))
    print(plain(_verdict(found, asked)))
    return 0 if found.suffices and not found.unknown else 1


def _whither(one: FolderForecast) -> str:
    return f"{one.here} (new)" if one.is_new else one.here


def remarks(found: Forecast) -> list[str]:
    """What a person should know before it begins, a line each."""
    lines = [tell_unknown(path) for path in found.unknown]
    for folder in found.skipped:
        if folder.remote.selectable:
            lines.append(f"{folder.remote.path} is left out: {folder.why}")
    for one in found.folders:
        if one.trouble:
            lines.append(f"{one.there} could not be listed: {one.trouble}")
        if one.renamed:
            lines.append(f"{one.there} cannot be called so here, and becomes {one.here}.")
        if one.is_view:
            lines.append(f"Of {one.there} only what lies in no other folder comes.")
        if one.renumbered:
            lines.append(f"{one.there} was numbered anew there: all of it is read and compared.")
        if one.too_large:
            lines.append(f"{count(one.too_large)} of {one.there} cannot come: too large for here.")
    return lines


def _verdict(found: Forecast, asked: Asked) -> str:
    told = f"{count(found.to_come)} would come, {size(found.octets_to_come)} at most."
    if found.missing_octets:
        wanted = size(found.missing_octets)
        return (
            f"{told} There is NO ROOM for all of it: {wanted} more are needed. 'pillarbox account "
            f"quota {asked.login} --octets SIZE' makes room."
        )
    if found.missing_messages:
        return (
            f"{told} The account may NOT HOLD so many: {found.missing_messages} too many. "
            f"'pillarbox account quota {asked.login} --messages COUNT' makes room."
        )
    if found.room_octets is None:
        return f"{told} The account has no limit."
    return f"{told} It fits: {size(found.room_octets)} are free."
