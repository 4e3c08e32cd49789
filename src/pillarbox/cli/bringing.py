"""Bringing mail in this process: with progress, stopped by Ctrl-C, told at the end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from pillarbox.cli.collect_told import summary, troubles
from pillarbox.cli.interrupting import INTERRUPTED, until_interrupted
from pillarbox.cli.opened import Opened
from pillarbox.cli.output import plain
from pillarbox.cli.progress_bar import ProgressBar, style_for
from pillarbox.clock import SystemClock
from pillarbox.dns.stub import StubResolver
from pillarbox.errors import NotAllowed, PillarboxError
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.job import Outcome
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import RemoteSettings, SignIn
from pillarbox.flow.collect.source import Source
from pillarbox.node.collecting_one import Parts, Way, run_once
from pillarbox.node.collecting_parts import make_parts
from pillarbox.telemetry import log


class Brought(msgspec.Struct, frozen=True):
    """What came of it."""

    progress: Progress
    outcome: Outcome | None = None  # None: it was broken off
    why: str = ""  # by what; "": by Ctrl-C

    @property
    def was_interrupted(self) -> bool:
        """By Ctrl-C."""
        return self.outcome is None and not self.why

    @property
    def code(self) -> int:
        """The command's exit code."""
        if self.outcome is None:
            return INTERRUPTED if self.was_interrupted else 1
        return 0 if self.outcome.complete and not self.progress.failed else 1


def bar_of(options: argparse.Namespace) -> ProgressBar:
    """A progress bar as the options and the terminal want it."""
    stream = sys.stdout if options.json else sys.stderr
    style = style_for(as_json=options.json, quiet=options.quiet, stream=stream)
    return ProgressBar(style, SystemClock(), stream)


def parts_of(opened: Opened, options: argparse.Namespace) -> Parts:
    """What bringing is made of; `--authority` vouches for servers in place of the usual ones."""
    settings, clock = opened.settings, SystemClock()
    authority = getattr(options, "authority", "")
    if authority:
        path = Path(authority).resolve()
        if not path.is_file():
            raise NotAllowed(f"There is no file {authority} with a certificate.")
        collect = msgspec.structs.replace(settings.collect, authorities=str(path))
        settings = msgspec.structs.replace(settings, collect=collect)
    return make_parts(settings, opened.store, StubResolver(settings.dns, clock), clock)


async def open_source(
    opened: Opened,
    options: argparse.Namespace,
    settings: RemoteSettings,
    sign_in: SignIn | None = None,
) -> Source:
    """A connection to a server that is not stored, or files opened. Raises SourceFailure."""
    if settings.kind == "file":
        return await open_files(
            Path(settings.path),
            options.form,
            settings=opened.settings.collect.files,
            temporary=Path(opened.settings.store.data_dir),
        )
    return await parts_of(opened, options).open(settings, sign_in)


async def bring(
    opened: Opened, options: argparse.Namespace, remote: Remote, sign_in: SignIn | None = None
) -> Brought:
    """Bring what is new; raises nothing that a person can understand."""
    progress = Progress()
    shown = bar_of(options)
    log.configure(level="error", style="text")  # what fails for others' reasons is told below
    parts = parts_of(opened, options)

    async def files(settings: RemoteSettings, _: SignIn | None) -> Source:
        return await open_source(opened, options, settings)

    way = Way(
        started_by="hand",
        sign_in=sign_in,
        open=files if remote.settings.kind == "file" else None,
        confirmed=getattr(options, "confirmed", False),
        watch=shown.watch,
    )
    try:
        async with shown.shown():
            work = run_once(parts, remote.id, way, progress)
            return Brought(progress, await until_interrupted(work))
    except PillarboxError as error:
        return Brought(progress, why=str(error))


def print_brought(brought: Brought, options: argparse.Namespace, name: str, again: str) -> int:
    """What came of it, with every message that failed; `again`: how to go on."""
    if options.json:
        print_line(as_json(brought) | {"name": name})
        return brought.code
    progress, outcome = brought.progress, brought.outcome
    if outcome is not None or progress.messages_done or progress.failed:
        print(plain(f"{name}: {summary(progress)}"))
    for line in troubles(progress):
        print(line)
    if outcome is not None:
        for remark in outcome.remarks:
            print(plain(remark))
        if outcome.why:
            print(plain(outcome.why))
        if not outcome.complete:
            print(again)
    elif brought.why:
        print(f"pillarbox: {plain(brought.why)}", file=sys.stderr)
    else:
        print(f"Stopped. What was brought is safe here. {again}")
    return brought.code


def as_json(brought: Brought) -> dict[str, object]:
    """The last line of `--json`."""
    outcome = brought.outcome
    if outcome is None:
        how = "failed" if brought.why else "interrupted"
    else:
        how = "done" if outcome.complete else "incomplete"
    return {
        "event": "ended",
        "outcome": how,
        "why": brought.why or (outcome.why if outcome else ""),
        "remarks": outcome.remarks if outcome else [],
        **msgspec.to_builtins(brought.progress),
    }


def print_line(value: dict[str, object]) -> None:
    """One line of JSON, in an order of events."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
