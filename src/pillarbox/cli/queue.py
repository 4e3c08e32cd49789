"""The queue: mail on its way out, and what became of what went.

A line of the list is a recipient. Filters choose which are meant: all that are given must hold.
What waits is tried at once with `retry`; `hold` keeps it until `release`; `fail` gives it up and
tells its sender; `drop` removes it without a word; `route` sends it by another way. The server may
run beside all of this and hears of it; what is being sent at that moment is left alone.
"""

from __future__ import annotations

import argparse

from pillarbox.cli.options import confirm, finish
from pillarbox.cli.queue_filters import add_filters, filter_of, now_seconds, parse_span

VERBS = (
    ("retry", "try what waits now, not later", False),
    ("hold", "keep it until it is released", False),
    ("release", "let go what is held", False),
    ("fail", "give it up and tell the sender", True),
    ("drop", "remove it without telling anybody", True),
    ("route", "send it by a named route or smarthost; '' takes that back", False),
)
LISTED = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox queue`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="recipients that wait or are held, oldest first")
    add_filters(listed)
    listed.add_argument(
        "--limit", type=int, default=LISTED, metavar="N", help=f"lines at most ({LISTED}); 0: all"
    )
    listed.add_argument("--count", action="store_true", help="only how many, by state")
    finish(listed, run_list)
    show = verbs.add_parser("show", help="everything about messages, ended recipients too")
    show.add_argument("id", type=int, nargs="+", help="the number that `list` shows")
    finish(show, run_show)
    for verb, what, final in VERBS:
        steer = verbs.add_parser(verb, help=what)
        if verb == "route":
            steer.add_argument("route", help="its name in the configuration, or host:port")
        if verb == "hold":
            steer.add_argument(
                "--for",
                dest="span",
                type=parse_span,
                metavar="TIME",
                help="release it by itself after 30m, 4h or 2d",
            )
        if verb == "fail":
            steer.add_argument(
                "--reason",
                default="The administrator of this server gave the message up.",
                help="a sentence for the sender",
            )
        add_filters(steer)
        steer.add_argument(
            "--all", action="store_true", help="allow that no filter is given: everything"
        )
        steer.add_argument(
            "--dry-run", action="store_true", help="only tell how many recipients are meant"
        )
        if final:
            steer.add_argument("--yes", action="store_true", help="do not ask")
        finish(steer, run_steer)
        steer.set_defaults(verb=verb)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox queue list`."""
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.queue_shown import count_now, list_now, print_counts, print_list

    chosen = filter_of(options)
    if options.count:
        counts = run_opened(options, lambda opened: count_now(opened.store, chosen))
        return print_counts(options.json, counts)
    found, counts = run_opened(
        options,
        lambda opened: list_now(opened.store, chosen, options.limit, as_json=options.json),
    )
    return print_list(options.json, found, counts)


def run_show(options: argparse.Namespace) -> int:
    """`pillarbox queue show`."""
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.queue_shown import print_messages, show_now

    found = run_opened(options, lambda opened: show_now(opened.store, options.id))
    return print_messages(options.json, found)


def run_steer(options: argparse.Namespace) -> int:
    """`retry`, `hold`, `release`, `fail`, `drop`, `route`."""
    from pillarbox.cli.opened import run_opened
    from pillarbox.cli.output import answer
    from pillarbox.cli.queue_shown import count_now, steer_now
    from pillarbox.errors import NotAllowed
    from pillarbox.store.sql.queue_steer import Steer

    chosen = filter_of(options)
    verb: str = options.verb
    if not (options.filtered or options.all):
        raise NotAllowed(f"Say which recipients to {verb}, by --id or a filter, or say --all.")
    counts = run_opened(options, lambda opened: count_now(opened.store, chosen))
    meant = sum(counts.values())
    if options.dry_run:
        told = {"action": verb, "meant": meant, "changed": 0}
        return answer(options.json, told, f"{_recipients(meant)} would be meant by {verb}.")
    if meant and getattr(options, "yes", None) is False:
        confirm(options, f"{verb.capitalize()} {_recipients(meant)}?")
    span = getattr(options, "span", None)
    text = getattr(options, "route", "") or getattr(options, "reason", "")
    until = now_seconds() + span if span else None
    changed = run_opened(
        options,
        lambda opened: steer_now(opened.store, chosen, Steer(verb), until=until, text=text),
    )
    left = f" {_recipients(meant - changed)} left alone." if changed < meant else ""
    told = {"action": verb, "meant": meant, "changed": changed}
    return answer(options.json, told, f"{verb}: {_recipients(changed)}.{left}")


def _recipients(count: int) -> str:
    return f"{count} recipient{'' if count == 1 else 's'}"
