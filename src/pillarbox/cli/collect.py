"""Mail that is fetched from other providers, continuously, over IMAP or POP3.

'add' asks for the password there, tries it, and from then on the running server brings new mail.
A remote account is named by its number or by its name (both in 'list'). Moving a whole account
over once is 'pillarbox import'.
"""

from __future__ import annotations

import argparse

from pillarbox.cli.collect_options import (
    add_confirmed,
    add_folders,
    add_going_on,
    add_oauth,
    add_secret,
    add_server,
)
from pillarbox.cli.options import add_json, confirm, finish

LISTED_RUNS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox collect`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    _configure_add(verbs.add_parser("add", help="fetch mail from another provider from now on"))
    listed = verbs.add_parser("list", help="remote accounts with what came of them lately")
    listed.add_argument("account", nargs="?", default="", help="of this account only")
    finish(listed, run_list)
    show = _named(verbs, "show", "everything about one: its settings, what came of the last runs")
    show.add_argument(
        "--runs", type=int, default=LISTED_RUNS, metavar="N", help=f"runs at most ({LISTED_RUNS})"
    )
    finish(show, run_show)
    test = _named(verbs, "test", "sign in and list the folders; brings nothing")
    test.add_argument("--quiet", action="store_true", help="show no progress")
    finish(test, run_test)
    now = _named(verbs, "run", "bring new mail now, in this process", needed=False)
    now.add_argument("--quiet", action="store_true", help="show no progress")
    now.add_argument("--dry-run", action="store_true", help="only tell what would be brought")
    add_confirmed(now)
    finish(now, run_now)
    finish(_named(verbs, "pause", "bring nothing until it is resumed"), run_pause)
    finish(_named(verbs, "resume", "go on, and look at once"), run_resume)
    remove = _named(verbs, "remove", "forget it; the mail that it brought stays")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    finish(remove, run_remove)
    _configure_edit(_named(verbs, "edit", "change some of its settings"))
    sign_in = _named(verbs, "sign-in", "give another password, or sign in by OAuth again")
    sign_in.add_argument("--login", default="", help="another name to sign in with there")
    add_secret(sign_in)
    add_oauth(sign_in)
    sign_in.add_argument("--untested", action="store_true", help="do not try it there first")
    finish(sign_in, run_sign_in)
    providers = verbs.add_parser("providers", help="large providers that are known by name")
    add_json(providers)
    providers.set_defaults(run=run_providers)
    rekey = verbs.add_parser("rekey", help="seal all stored passwords with a new key")
    finish(rekey, run_rekey)


def _configure_add(add: argparse.ArgumentParser) -> None:
    add.add_argument("account", help="whose mail it is here: alice@example.org")
    add.add_argument("address", nargs="?", default="", help="the address there; finds the server")
    group = add_server(add)
    how = group.add_mutually_exclusive_group()
    how.add_argument("--imap", metavar="HOST", default="", help="by IMAP from this server")
    how.add_argument("--pop3", metavar="HOST", default="", help="by POP3 from this server")
    how.add_argument("--provider", metavar="NAME", default="", help="one of the large providers")
    group.add_argument(
        "--protocol", choices=("imap", "pop3"), default="imap", help="where both are offered (imap)"
    )
    add.add_argument("--name", dest="label", default="", help="what to call it here (the login)")
    add_secret(add)
    add_oauth(add)
    add_folders(add, spam=False)
    add_going_on(add)
    add.add_argument(
        "--untested", action="store_true", help="store it without signing in there first"
    )
    add.add_argument("--paused", action="store_true", help="bring nothing yet")
    finish(add, run_add)


def _configure_edit(edit: argparse.ArgumentParser) -> None:
    edit.add_argument("--name", dest="label", help="another name")
    edit.add_argument("--host", default="", metavar="HOST", help="another server")
    add_server(edit)
    add_folders(edit, spam=None)
    add_going_on(edit)
    finish(edit, run_edit)


def _named(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    verb: str,
    what: str,
    *,
    needed: bool = True,
) -> argparse.ArgumentParser:
    """A verb about one remote account of an account."""
    parser = verbs.add_parser(verb, help=what)
    parser.add_argument("account", help="whose it is here: alice@example.org")
    parser.add_argument(
        "remote",
        nargs=None if needed else "?",
        default="",
        help="its number or its name" + ("" if needed else "; all of the account if not given"),
    )
    return parser


def run_add(options: argparse.Namespace) -> int:
    """`pillarbox collect add`."""
    from pillarbox.cli.collect_adding import add
    from pillarbox.cli.collect_secrets import read_ahead

    read_ahead(options)
    return add(options)


def run_edit(options: argparse.Namespace) -> int:
    """`pillarbox collect edit`."""
    from pillarbox.cli.collect_adding import edit

    return edit(options)


def run_sign_in(options: argparse.Namespace) -> int:
    """`pillarbox collect sign-in`."""
    from pillarbox.cli.collect_adding import sign_in
    from pillarbox.cli.collect_secrets import read_ahead

    read_ahead(options)
    return sign_in(options)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox collect list`."""
    from pillarbox.cli.collect_shown import print_list

    return print_list(options)


def run_show(options: argparse.Namespace) -> int:
    """`pillarbox collect show`."""
    from pillarbox.cli.collect_shown import print_remote

    return print_remote(options, once=False)


def run_test(options: argparse.Namespace) -> int:
    """`pillarbox collect test`."""
    from pillarbox.cli.collect_running import test

    return test(options)


def run_now(options: argparse.Namespace) -> int:
    """`pillarbox collect run`."""
    from pillarbox.cli.collect_running import run_now as now

    return now(options)


def run_pause(options: argparse.Namespace) -> int:
    """`pillarbox collect pause`."""
    from pillarbox.cli.collect_steering import pause

    return pause(options)


def run_resume(options: argparse.Namespace) -> int:
    """`pillarbox collect resume`."""
    from pillarbox.cli.collect_steering import resume

    return resume(options)


def run_remove(options: argparse.Namespace) -> int:
    """`pillarbox collect remove`."""
    from pillarbox.cli.collect_steering import remove

    confirm(options, f"Bring no more mail from {options.remote}? What was brought stays.")
    return remove(options)


def run_providers(options: argparse.Namespace) -> int:
    """`pillarbox collect providers`."""
    from pillarbox.cli.collect_providers import print_providers

    return print_providers(options)


def run_rekey(options: argparse.Namespace) -> int:
    """`pillarbox collect rekey`."""
    from pillarbox.cli.collect_steering import rekey

    return rekey(options)
