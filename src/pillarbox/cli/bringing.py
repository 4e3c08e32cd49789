"""Bringing mail in this process: with progress, stopped by Ctrl-C, told at the end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from pillarbox.cli.collect_told import summary, troubles
from pillarbox.cli.interrupting import INTERRUPTED, until_interrupted
from pillarbox.cli.opened import Opened
from pillarbox.cli.output import plain
from pillarbox.cli.progress_bar import ProgressBar, style_for
from pillarbox.clock import SystemClock
from pillarbox.config.settings import Settings
from pillarbox.dns.stub import StubResolver
from pillarbox.errors import NotAllowed, PillarboxError
from pillarbox.flow.collect.files.opening import open_files
from pillarbox.flow.collect.job import Outcome
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import RemoteSettings, SignIn
from pillarbox.flow.collect.source import Source, SourceFailure
from pillarbox.node.collecting_one import Parts, Way, run_once
from pillarbox.node.collecting_parts import make_parts
from pillarbox.store.sql import remote_lease, remotes
from pillarbox.telemetry import log

_AWAITS_YES = "until you confirm"  # in the remarks of `flow.collect.two_way`

# With --idle the server never lets go of it.
_PAUSE_FIRST = (
    " If that is the running server, 'pillarbox collect pause' it first and 'resume' it later."
)


_BY_ITSELF = " by itself"  # in sentences: the server tries it again


class Brought(msgspec.Struct, frozen=True):
    """What came of it."""

    progress: Progress
    outcome: Outcome | None = None  # None: it was broken off
    why: str = ""  # by what; "": by Ctrl-C
    notes: list[str] = []  # what else the files had

    @property
    def was_interrupted(self) -> bool:
        """By Ctrl-C."""
        return self.outcome is None and not self.why

    @property
    def came_to_nothing(self) -> bool:
        """It failed before anything was dealt with: a wrong password, say."""
        return self.outcome is None and bool(self.why) and not self.progress.messages_done

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
    settings, clock = with_authority(opened.settings, options), SystemClock()
    return make_parts(settings, opened.store, StubResolver(settings.dns, clock), clock)


def with_authority(settings: Settings, options: argparse.Namespace) -> Settings:
    """With the certificate of `--authority`, if it was given. Raises NotAllowed."""
    authority = getattr(options, "authority", "")
    if not authority:
        return settings
    path = Path(authority).resolve()
    if not os.access(path, os.R_OK):
        raise NotAllowed(f"The certificate {authority} is not there, or cannot be read.")
    collect = msgspec.structs.replace(settings.collect, authorities=str(path))
    return msgspec.structs.replace(settings, collect=collect)


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
            dialect=getattr(options, "dialect", "auto"),
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

    opened_files: list[Source] = []

    async def files(settings: RemoteSettings, _: SignIn | None) -> Source:
        opened_files.append(await open_source(opened, options, settings))
        return opened_files[-1]

    way = Way(
        started_by="hand",
        sign_in=sign_in,
        open=files if remote.settings.kind == "file" else None,
        confirmed=getattr(options, "confirmed", False),
        watch=shown.watch,
    )
    await _free(opened, remote)
    try:
        async with shown.shown():
            work = run_once(parts, remote.id, way, progress)
            outcome = await until_interrupted(work)
            return Brought(progress, outcome, notes=notes_of(opened_files))
    except SourceFailure as failure:
        return Brought(progress, why=f"{failure}{hint(failure, options)}")
    except NotAllowed as error:  # somebody else is at it
        return Brought(progress, why=f"{error}{'' if remote.settings.once else _PAUSE_FIRST}")
    except PillarboxError as error:
        return Brought(progress, why=str(error))


def notes_of(sources: Iterable[Source]) -> list[str]:
    """What a source of files has to say besides its messages."""
    return [note for source in sources for note in getattr(source, "notes", [])]


async def _free(opened: Opened, remote: Remote) -> None:
    """Give back the lease of a process that was killed: whoever repeats the command need not wait.

    Should that process live elsewhere after all, it can write nothing more once our run begins.
    """
    row = await opened.store.read(lambda db: remotes.get(db, remote.id))
    pid = row.lease.partition("-")[0]
    if pid.isdigit() and not _is_alive(int(pid)):
        await opened.store.write(lambda tx: remote_lease.give_back(tx, remote.id, row.lease))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's, and lives
        return True
    with suppress(OSError):  # killed, and nobody has asked for its exit code yet (Linux)
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    return True


@contextmanager
def hinting(options: argparse.Namespace) -> Iterator[None]:
    """Failures within say what can be done with this command."""
    try:
        yield
    except SourceFailure as failure:
        raise SourceFailure(
            failure.trouble,
            f"{failure}{hint(failure, options)}",
            retry_after=failure.retry_after,
        ) from failure


def hint(failure: SourceFailure, options: argparse.Namespace) -> str:
    """What can be done about it with this command; "" for nothing."""
    if failure.trouble == "certificate" and not getattr(options, "authority", "given"):
        return " With this command: --authority FILE."
    return ""


def print_brought(brought: Brought, options: argparse.Namespace, name: str, again: str) -> int:
    """What came of it, with every message that failed; `again`: how to go on."""
    if options.json:
        print_line(as_json(brought) | {"name": name})
        return brought.code
    progress, outcome = brought.progress, brought.outcome
    is_telling = progress.messages_done or progress.failed or progress.throttled_until is not None
    if outcome is not None or is_telling:
        print(plain(f"{name}: {summary(progress)}"))
    for line in troubles(progress):
        print(line)
    if outcome is not None:
        for remark in (*outcome.remarks, *brought.notes):
            print(plain(remark))
        if any(_AWAITS_YES in remark for remark in outcome.remarks):
            print("You confirm it with --many-deletions.")
        if outcome.why:
            print(plain(outcome.why))
        if progress.failed and outcome.complete:
            print(f"What failed is still at the source, where you can look at it; {again}")
        if not outcome.complete:
            print(f"When there is room, {again}" if outcome.stopped == "quota" else _begun(again))
    elif brought.why:
        print(f"pillarbox: {plain(brought.why)}", file=sys.stderr)
        if _BY_ITSELF in brought.why and _BY_ITSELF not in again:  # meant for collecting
            print(f"Moving in is not: {again}", file=sys.stderr)
    else:
        print(f"Stopped. What was brought is safe here. {_begun(again)}")
    return brought.code


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


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
        "remarks": [*(outcome.remarks if outcome else []), *brought.notes],
        **msgspec.to_builtins(brought.progress),
    }


def print_line(value: dict[str, object]) -> None:
    """One line of JSON, in an order of events."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
