"""Moving out: all mail of an account as one zip archive, or into an account on another server.

The archive holds mbox files, a Maildir, or an .eml file for each message; with each of them also
what another Pillarbox needs to make the same account again ('pillarbox import pillarbox'). Copying
to a server can be repeated: what is there already is not sent again.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pillarbox.cli.collect_options import add_secret, add_server, server_of
from pillarbox.cli.options import finish
from pillarbox.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from pillarbox.cli.opened import Opened
    from pillarbox.flow.collect.export.export import Chosen
    from pillarbox.flow.collect.progress import Progress, Watch
    from pillarbox.store.model import Account

    Way = Callable[
        [argparse.Namespace, Opened, Account, Progress, Watch], Coroutine[None, None, Progress]
    ]

TO_SERVER = "imap"  # the word in an account's place; every account has an "@"
_USAGE = """\
pillarbox export ACCOUNT FILE.zip [--as mbox|maildir|pillarbox] …
       pillarbox export imap ACCOUNT --host HOST --login LOGIN …"""


def configure(parser: argparse.ArgumentParser) -> None:
    """`pillarbox export`."""
    parser.usage = _USAGE
    parser.add_argument("account", metavar="ACCOUNT", help="whose mail: alice@example.org")
    parser.add_argument("target", metavar="FILE.zip", help="the archive; it must not be there yet")
    parser.add_argument(
        "--as",
        dest="form",
        choices=("mbox", "maildir", "pillarbox"),
        default="pillarbox",
        help="a file for each folder (mbox), a Maildir++, or an .eml file for each message "
        "(pillarbox, the default)",
    )
    parser.add_argument(
        "--mailbox",
        action="append",
        default=[],
        metavar="PATH",
        help="only this one and all below it; repeatable",
    )
    parser.add_argument(
        "--since", type=parse_day, metavar="DATE", help="only what came on that day or later (UTC)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    server = add_server(parser)
    server.add_argument("--host", default="", help="with 'imap': the server that mail is copied to")
    server.add_argument(
        "--authority",
        metavar="FILE",
        default="",
        help="certificates (PEM) that vouch for the server in place of the system's",
    )
    add_secret(parser)
    finish(parser, run_export)


def parse_day(text: str) -> int:
    """The begin of a day like 2026-11-23, in UTC, as Unix seconds."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write 2026-11-23") from None


def run_export(options: argparse.Namespace) -> int:
    """`pillarbox export`."""
    from pillarbox.cli.collect_secrets import read_ahead

    read_ahead(options)
    if options.account == TO_SERVER:
        if not options.host or not options.login:
            raise NotAllowed(
                "Copying to a server needs --host and --login: "
                "pillarbox export imap ACCOUNT --host imap.example.org --login alice"
            )
        return _run(options, options.target, _to_server)
    if options.host:
        raise NotAllowed("--host goes with 'pillarbox export imap ACCOUNT'.")
    return _run(options, options.account, _to_archive)


def _run(options: argparse.Namespace, login: str, way: Way) -> int:
    from pillarbox.cli.interrupting import INTERRUPTED, until_interrupted
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.progress_bar import ProgressBar, style_for
    from pillarbox.clock import SystemClock
    from pillarbox.flow.collect.progress import Progress

    progress = Progress()

    async def work(opened: Opened) -> bool:
        account = await opened.admin.find_account(login)
        stream = sys.stdout if options.json else sys.stderr
        style = style_for(as_json=options.json, quiet=options.quiet, stream=stream)
        shown = ProgressBar(style, SystemClock(), stream)
        async with shown.shown():
            copying = way(options, opened, account, progress, shown.watch)
            return await until_interrupted(copying) is not None

    if not run_opened(options, work):
        print("pillarbox: interrupted; repeat the command to do it.", file=sys.stderr)
        return INTERRUPTED
    return _tell(options, progress)


async def _to_archive(
    options: argparse.Namespace,
    opened: Opened,
    account: Account,
    progress: Progress,
    watch: Watch,
) -> Progress:
    from pillarbox.flow.collect.export.export import export

    await export(
        opened.store,
        account,
        Path(options.target),
        options.form,
        chosen=_chosen(options),
        progress=progress,
        watch=watch,
    )
    return progress


async def _to_server(
    options: argparse.Namespace,
    opened: Opened,
    account: Account,
    progress: Progress,
    watch: Watch,
) -> Progress:
    from pillarbox.cli.bringing import with_authority
    from pillarbox.cli.collect_secrets import take_secret
    from pillarbox.clock import SystemClock
    from pillarbox.dns.stub import StubResolver
    from pillarbox.flow.collect.export.to_imap import Target, to_imap
    from pillarbox.flow.collect.settings import SignIn
    from pillarbox.node.collecting_parts import make_dialer

    clock, settings = SystemClock(), with_authority(opened.settings, options)
    server = server_of("imap", options.host, options.port, options.tls)
    resolver = StubResolver(settings.dns, clock)
    dialer = make_dialer(settings, resolver, clock, private=options.allow_private)
    secret = take_secret(options, f"{options.login} at {server.host}")
    connection = await dialer.imap(server, SignIn(options.login, secret))
    try:
        return await to_imap(
            opened.store,
            account,
            Target(connection, server.host),
            chosen=_chosen(options),
            progress=progress,
            watch=watch,
        )
    finally:
        await connection.logout()


def _chosen(options: argparse.Namespace) -> Chosen:
    from pillarbox.flow.collect.export.export import Chosen

    return Chosen(tuple(options.mailbox), options.since)


def _tell(options: argparse.Namespace, progress: Progress) -> int:
    """What came of it: a sentence, and every message that failed with the reason."""
    import msgspec

    from pillarbox.cli.collect_told import count, troubles
    from pillarbox.cli.output import plain, size

    if options.json:
        event = {"event": "ended", **msgspec.to_builtins(progress)}
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
    else:
        folders = count(progress.folders_done, "folder")
        sent = f"{count(progress.brought)} ({size(progress.octets_brought)})"
        parts = [f"{sent} in {folders} exported"]
        if progress.already:
            parts.append(f"{progress.already} were there already")
        if progress.skipped:
            parts.append(f"{progress.skipped} left out")
        if progress.failed:
            parts.append(f"{progress.failed} FAILED")
        print(", ".join(parts) + ".")
        for line in troubles(progress):
            print(line)
        if progress.why:
            print(plain(progress.why))
    whole = progress.messages_done == progress.messages
    return 0 if whole and not progress.failed else 1
