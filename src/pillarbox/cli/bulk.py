"""Many messages at once: move, destroy, flag; watch, stop and undo such operations.

    pillarbox bulk run move --account alice@example.org --in Lists --older-than 365d --to Trash
    pillarbox bulk run destroy --account alice@example.org --in Trash
    pillarbox bulk run flag --account alice@example.org --in INBOX --keyword '$seen'

All filters that are given must hold. What arrives after the order is left alone. The work is done
in short steps by this command or by a server that runs beside it, whoever is first; interrupted,
it goes on in the server. `undo` works for 30 days, after `destroy` as long as deleted mail is kept.
"""

from __future__ import annotations

import argparse

from pillarbox.cli.bulk_filters import add_filters
from pillarbox.cli.options import finish

ACTIONS = (
    ("move", "into --to, out of the mailbox --in, or out of all"),
    ("destroy", "out of the mailbox --in, or out of all; `undo` brings them back for a while"),
    ("flag", "set --keyword: '$seen', '$flagged', or any other"),
    ("unflag", "take --keyword away"),
    ("restore", "bring back what was destroyed; --after and --before are of that time"),
)
STEERS = (
    ("cancel", "stop it; what is done stays done"),
    ("continue", "do the rest of one that was stopped, and once more what failed"),
    ("undo", "give its messages back the mailboxes and keywords that they had"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox bulk`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="operations of the last 30 days, the latest first")
    listed.add_argument("--account", metavar="LOGIN", help="of this account; else of all")
    finish(listed, run_list)
    run = verbs.add_parser("run", help="do something with all messages that a filter finds")
    actions = run.add_subparsers(title="what to do with them", metavar="ACTION", required=True)
    for name, what in ACTIONS:
        _add_action(actions.add_parser(name, help=what), name)
    watch = verbs.add_parser("watch", help="show how far an operation is, until it ends")
    _add_id(watch)
    finish(watch, run_watch)
    for name, what in STEERS:
        steer = verbs.add_parser(name, help=what)
        _add_id(steer)
        steer.add_argument("--detach", action="store_true", help="do not wait for the end")
        finish(steer, run_steer)
        steer.set_defaults(verb=name)


def _add_action(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--account", metavar="LOGIN", required=True, help="whose mail it is")
    add_filters(parser)
    if name == "move":
        parser.add_argument("--to", metavar="MAILBOX", required=True, help="where they go")
    if name in ("flag", "unflag"):
        parser.add_argument(
            "--keyword", action="append", required=True, help="its name; may be given again"
        )
    parser.add_argument(
        "--all", action="store_true", help="allow that no filter is given: everything"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell how many messages are meant"
    )
    if name == "destroy":
        parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--detach", action="store_true", help="leave it to the server")
    finish(parser, run_run)
    parser.set_defaults(action=name)


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="as `list` shows it: O and a number")
    parser.add_argument("--account", metavar="LOGIN", help="where two accounts have that number")


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox bulk list`."""
    from pillarbox.cli.bulk_shown import list_now, print_list
    from pillarbox.cli.opened import run_opened

    found = run_opened(options, lambda opened: list_now(opened, options.account))
    return print_list(options.json, found)


def run_run(options: argparse.Namespace) -> int:
    """`pillarbox bulk run move`, `destroy`, `flag`, `unflag`, `restore`."""
    from pillarbox.cli.bulk_filters import selection_of
    from pillarbox.cli.bulk_running import Asked, ask, count, is_everything, work_at
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.options import confirm
    from pillarbox.cli.output import answer
    from pillarbox.errors import NotAllowed

    if is_everything(options) and not options.all:
        raise NotAllowed(f"Say which messages to {options.action}, by a filter, or say --all.")
    asked = Asked(options, selection_of)
    if options.dry_run or getattr(options, "yes", True) is False:
        meant = run_opened(options, lambda opened: count(opened, asked))
        if options.dry_run:
            told = {"action": options.action, "meant": meant}
            return answer(options.json, told, f"{_messages(meant)} would be meant.")
        confirm(options, f"Destroy {_messages(meant)}?")
    return run_opened(options, lambda opened: work_at(opened, options, lambda: ask(opened, asked)))


def run_watch(options: argparse.Namespace) -> int:
    """`pillarbox bulk watch`."""
    from pillarbox.cli.bulk_running import find, work_at
    from pillarbox.cli.opened import run_opened

    return run_opened(
        options, lambda opened: work_at(opened, options, lambda: find(opened, options))
    )


def run_steer(options: argparse.Namespace) -> int:
    """`cancel`, `continue`, `undo`."""
    from pillarbox.cli.bulk_running import steer, work_at
    from pillarbox.cli.opened import run_opened

    return run_opened(
        options, lambda opened: work_at(opened, options, lambda: steer(opened, options))
    )


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"
