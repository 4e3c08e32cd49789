"""Remote accounts, imports and their runs, for people and for programs. Never a secret."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from pillarbox.cli.collect_named import Named, find_remote, find_remotes, remotes_of
from pillarbox.cli.collect_told import summary, troubles
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.output import plain, print_json, print_table
from pillarbox.clock import from_unix_seconds
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.settings import RemoteSettings
from pillarbox.flow.collect.source import AtSource
from pillarbox.ids import RemoteId
from pillarbox.store.sql import collected
from pillarbox.store.sql.remote_runs import RunRow
from pillarbox.store.sql.remotes import RemoteState

_decode = msgspec.json.Decoder(Progress).decode
_DAY, _MINUTE = 86_400, 60


def print_list(options: argparse.Namespace) -> int:
    """`pillarbox collect list`."""
    found = run_opened(options, lambda opened: find_remotes(opened, options.account, once=False))
    if options.json:
        print_json([as_json(one) for one in found])
        return 0
    rows = [
        (
            one.remote.id,
            one.login,
            one.remote.settings.label,
            where(one.remote.settings),
            one.remote.state.value,
            instant(one.remote.succeeded_at),
            "connected" if one.remote.is_running else instant(one.remote.due_at),
        )
        for one in found
    ]
    print_table(("NUMBER", "ACCOUNT", "NAME", "FROM", "STATE", "LAST", "NEXT"), rows)
    for one in found:
        if one.remote.trouble:
            print(f"{one.remote.id}: {plain(one.remote.why)}")
    return 0


def print_imports(options: argparse.Namespace) -> int:
    """`pillarbox import list`."""

    async def work(opened: Opened) -> list[tuple[Named, list[RunRow], int]]:
        found = await find_remotes(opened, options.account, once=True)
        return [
            (one, await _runs(opened, one, 1), await _brought(opened, one.remote.id))
            for one in found
        ]

    found = run_opened(options, work)
    if options.json:
        print_json([as_json(one, runs) | {"brought": brought} for one, runs, brought in found])
        return 0
    rows = []
    for one, runs, brought in found:
        last = runs[0] if runs else None
        done = _decode(last.progress) if last and last.progress else Progress()
        rows.append(
            (
                one.remote.id,
                one.login,
                one.remote.label,
                last.outcome if last else "",
                instant(last.ended_at or last.updated_at) if last else "",
                brought,
                done.failed,
            )
        )
    print_table(("NUMBER", "ACCOUNT", "FROM", "STATE", "LAST", "MESSAGES", "FAILED"), rows)
    return 0


def print_remote(options: argparse.Namespace, *, once: bool) -> int:
    """`pillarbox collect show`, `pillarbox import show`."""

    async def work(opened: Opened) -> tuple[Named, list[RunRow]]:
        one = await find_remote(opened, options, once=once)
        return one, await _runs(opened, one, options.runs)

    one, runs = run_opened(options, work)
    if options.json:
        print_json(as_json(one, runs))
        return 0
    for line in describe(one):
        print(line)
    for run in runs:
        print()
        for line in _tell_run(run):
            print(line)
    return 0


async def _runs(opened: Opened, one: Named, at_most: int) -> list[RunRow]:
    return await remotes_of(opened).runs(one.remote.id, at_most)


async def _brought(opened: Opened, remote: RemoteId) -> int:
    """How many messages are known as brought from there."""
    return await opened.store.scan(lambda db: collected.count_brought(db, remote))


def describe(one: Named) -> list[str]:
    """Its settings in words."""
    settings, row = one.remote.settings, one.remote
    lines = [f"Number {row.id}, for {one.login}: {settings.label}"]
    if not settings.once:
        lines.append(f"  from: {where(settings)}")
    state = row.state.value
    if row.is_running:
        state += ", connected now"
    elif row.state is RemoteState.ACTIVE and row.due_at is not None:
        state += f", next look {instant(row.due_at)}"
    lines.append(f"  state: {state}")
    if row.trouble:
        lines.append(f"  trouble: {row.why}")
    lines += [f"  {name}: {value}" for name, value in _words(settings) if value]
    return [plain(line) for line in lines]


def _words(settings: RemoteSettings) -> list[tuple[str, str]]:
    folders = settings.folders
    often = "stays connected" if settings.idle else f"each {_span(settings.schedule_seconds)}"
    flags = {
        "label": settings.keyword,
        "into": settings.target,
        "only": ", ".join(folders.include),
        "except": ", ".join(folders.exclude),
        "called otherwise here": ", ".join(f"{a} = {b}" for a, b in folders.mapped.items()),
        "spam folder": "left out" if settings.skip_spam else "",
        "judged and sorted": "yes" if settings.filtered else "",
        "both ways": "yes" if settings.two_way else "",
        "mirror": "flags and deletions there are followed" if settings.mirror else "",
    }
    shown = [("at the source", told_at_source(settings.at_source)), *flags.items()]
    if settings.send_as is not None:
        addresses = ", ".join(settings.send_as.addresses)
        shown.append(("sends as", f"{addresses} by {settings.send_as.server.host}"))
    return shown if settings.once else [("looks", often), *shown]


def told_at_source(what: AtSource) -> str:
    """What happens there, in words."""
    match what.action:
        case "delete" if what.after_days:
            return f"deleted {what.after_days} days after it came"
        case "delete":
            return "deleted once it is safe here"
        case "move":
            return f"moved to {what.folder}"
        case "mark":
            return "marked as read"
    return "left as it is"


def where(settings: RemoteSettings) -> str:
    """ "imap alice@example.net at mail.example.net", "mbox /home/alice/mail"."""
    if settings.server is None:
        return f"files {settings.path}"
    return f"{settings.kind} {settings.login} at {settings.server.host}"


def _tell_run(run: RunRow) -> list[str]:
    progress = _decode(run.progress) if run.progress else Progress()
    until = f" to {instant(run.ended_at)}" if run.ended_at else ""
    lines = [f"Run {run.id}, {run.outcome}, {instant(run.started_at)}{until} UTC"]
    if run.why:
        lines.append(f"  {plain(run.why)}")
    lines.append(f"  {summary(progress)}")
    return lines + troubles(progress)


def as_json(one: Named, runs: Sequence[RunRow] | None = None) -> dict[str, object]:
    """Everything but how to sign in."""
    row = one.remote
    value: dict[str, object] = {
        "number": row.id,
        "account": one.login,
        "state": row.state.value,
        "trouble": row.trouble,
        "why": row.why,
        "failures": row.failures,
        "due_at": row.due_at,
        "succeeded_at": row.succeeded_at,
        "created_at": row.created_at,
        "settings": msgspec.to_builtins(one.remote.settings),
    }
    if runs is not None:
        value["runs"] = [
            {
                "number": run.id,
                "started_by": run.started_by,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "outcome": run.outcome,
                "why": run.why,
                "progress": msgspec.json.decode(run.progress) if run.progress else None,
            }
            for run in runs
        ]
    return value


def instant(at: int | None) -> str:
    """UTC, to the minute."""
    return "" if at is None else from_unix_seconds(at).strftime("%Y-%m-%d %H:%M")


def _span(seconds: int) -> str:
    if seconds % _DAY == 0:
        return f"{seconds // _DAY} d"
    return f"{seconds // _MINUTE} min" if seconds % _MINUTE == 0 else f"{seconds} s"
