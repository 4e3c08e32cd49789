"""Moving in: a whole account from another server or from files, once.

Folders, flags, keywords and dates come along. Run the same command again after a break, or to bring
what has arrived there since: what was brought already is not brought twice. 'compare' says whether
anything is missing; 'undo' removes exactly what an import brought. Passwords are asked for, and are
not stored.
"""

from __future__ import annotations

import argparse

from pillarbox.cli.collect_options import (
    add_authority,
    add_confirmed,
    add_folders,
    add_oauth,
    add_secret,
    add_server,
)
from pillarbox.cli.options import finish

DIALECTS = ("auto", "mboxo", "mboxrd", "mboxcl", "mboxcl2")
FORMS = {
    "files": "files of any of the forms below; which one shows in them",
    "mbox": "an mbox file, or a folder of them",
    "maildir": "a Maildir or Maildir++, with its folders",
    "eml": "a folder, or a zip, of .eml files",
    "takeout": "what Google Takeout gave: .tgz, .zip or its unpacked folder",
    "pillarbox": "what 'pillarbox export' of another Pillarbox wrote",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox import`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    for parsers, comparing in ((verbs, False), (_comparing(verbs), True)):
        for protocol in ("imap", "pop3"):
            what = "an account" if protocol == "imap" else "an inbox"
            server = parsers.add_parser(
                protocol, help=f"{what} on a server with {protocol.upper()}"
            )
            _configure_server(server, protocol, comparing=comparing)
        for form, what in FORMS.items():
            _configure_files(parsers.add_parser(form, help=what), form, comparing=comparing)
    listed = verbs.add_parser("list", help="imports with their numbers")
    listed.add_argument("account", nargs="?", default="", help="of this account only")
    finish(listed, run_list)
    show = verbs.add_parser("show", help="what came of an import, with every failed message")
    _add_number(show)
    show.add_argument("--runs", type=int, default=1, metavar="N", help="runs at most (1)")
    finish(show, run_show)
    undo = verbs.add_parser("undo", help="remove exactly what an import brought")
    _add_number(undo)
    undo.add_argument("--dry-run", action="store_true", help="only tell what would be removed")
    undo.add_argument("--yes", action="store_true", help="do not ask")
    finish(undo, run_undo)


def _comparing(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    compare = verbs.add_parser(
        "compare",
        help="whether everything there is here, too",
        description="The same words as the import that is to be compared. Exit code 0: nothing is "
        "missing; 1: something is, and it is said what.",
    )
    return compare.add_subparsers(title="with what", metavar="SOURCE", required=True)


def _configure_server(server: argparse.ArgumentParser, protocol: str, *, comparing: bool) -> None:
    server.add_argument("account", help="whose mail it is here: alice@example.org")
    group = add_server(server)
    add_authority(group)
    group.add_argument(
        "--host", default="", help="the server there; else it is found by the login's domain"
    )
    group.add_argument("--provider", metavar="NAME", default="", help="one of the large providers")
    add_secret(server)
    add_oauth(server)
    server.set_defaults(kind=protocol, form="")
    if protocol == "imap" and not comparing:
        server.add_argument(
            "--mirror",
            action="store_true",
            help="follow flags and deletions there, too; for repeating it until you move",
        )
        add_confirmed(server)
    _configure_common(server, comparing=comparing)


def _configure_files(files: argparse.ArgumentParser, form: str, *, comparing: bool) -> None:
    files.add_argument("account", help="whose mail it is here: alice@example.org")
    files.add_argument("path", help=FORMS[form])
    if form == "mbox":
        files.add_argument(
            "--dialect",
            choices=DIALECTS,
            default="auto",
            help="which kind of mbox it is, where it is not found out rightly",
        )
    files.set_defaults(kind="file", form="auto" if form == "files" else form)
    _configure_common(files, comparing=comparing)


def _configure_common(parser: argparse.ArgumentParser, *, comparing: bool) -> None:
    add_folders(parser, spam=True)
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    if comparing:
        parser.add_argument(
            "--hashes",
            action="store_true",
            help="read every message there and compare its octets; else Message-ID, size and date "
            "settle it where they can",
        )
        finish(parser, run_compare)
        return
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only tell what would be brought, and whether it fits",
    )
    finish(parser, run_import)


def _add_number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", help="whose it is here: alice@example.org")
    parser.add_argument("remote", metavar="NUMBER", help="as 'import list' shows it")


def run_import(options: argparse.Namespace) -> int:
    """`pillarbox import imap`, `mbox`, …"""
    from pillarbox.cli.collect_secrets import read_ahead
    from pillarbox.cli.import_running import bring_over

    read_ahead(options)
    return bring_over(options)


def run_compare(options: argparse.Namespace) -> int:
    """`pillarbox import compare …`."""
    from pillarbox.cli.collect_secrets import read_ahead
    from pillarbox.cli.import_comparing import compare_now

    read_ahead(options)
    return compare_now(options)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox import list`."""
    from pillarbox.cli.collect_shown import print_imports

    return print_imports(options)


def run_show(options: argparse.Namespace) -> int:
    """`pillarbox import show`."""
    from pillarbox.cli.collect_shown import print_remote

    return print_remote(options, once=True)


def run_undo(options: argparse.Namespace) -> int:
    """`pillarbox import undo`."""
    from pillarbox.cli.import_undoing import undo_now

    return undo_now(options)
