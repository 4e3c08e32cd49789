"""`pillarbox account pop`: what programs see that fetch over POP3, and what they leave."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish, parse_count
from pillarbox.cli.output import answer
from pillarbox.errors import BadName
from pillarbox.store import Transaction
from pillarbox.store.sql import pop_view
from pillarbox.store.sql.pop_view import LONGEST_DAYS, AfterFetching, PopView

_BECOMES = {
    AfterFetching.DELETE: "goes, as the setting pop3.deleted_goes_to has it",
    AfterFetching.TRASH: "goes to the Trash",
    AfterFetching.ARCHIVE: "goes to the Archive",
    AfterFetching.READ: "stays in the inbox, marked as read",
    AfterFetching.KEEP: "stays in the inbox",
}


def add_verb(verbs: Any) -> None:
    """To the verbs of `pillarbox account`."""
    pop = verbs.add_parser(
        "pop", help="show or set what POP3 programs see of the inbox, and what they leave there"
    )
    pop.add_argument("login")
    pop.add_argument(
        "--days",
        type=parse_count,
        metavar="N",
        help="only what arrived in so many days; none for all",
    )
    pop.add_argument(
        "--after",
        choices=[one.value for one in AfterFetching],
        help="what becomes of a message that a program deletes",
    )
    pop.add_argument(
        "--again",
        choices=["yes", "no"],
        help="whether what stays is shown to the program again",
    )
    finish(pop, run_pop)


def run_pop(options: argparse.Namespace) -> int:
    """`pillarbox account pop`."""
    if options.days is not None and options.days > LONGEST_DAYS:
        raise BadName(f"At most {LONGEST_DAYS} days, or none.")

    async def work(opened: Opened) -> PopView:
        account = (await opened.admin.find_account(options.login)).id

        async def change(tx: Transaction) -> PopView:
            view = _with(await pop_view.get(tx, account), options)
            await pop_view.put(tx, account, view)
            return view

        if (options.days, options.after, options.again) == (None, None, None):
            return await opened.store.read(lambda db: pop_view.get(db, account))
        return await opened.store.write(change)

    view = run_opened(options, work)
    value = {"login": options.login, **msgspec.to_builtins(view)}
    return answer(options.json, value, _sentence(options.login, view))


def _with(view: PopView, options: argparse.Namespace) -> PopView:
    """What was not given stays; 0 days, which is what "none" is read as, are all."""
    if options.days is not None:
        view = msgspec.structs.replace(view, days=options.days or None)
    if options.after is not None:
        view = msgspec.structs.replace(view, after=AfterFetching(options.after))
    if options.again is not None:
        view = msgspec.structs.replace(view, hides_fetched=options.again == "no")
    return view


def _sentence(login: str, view: PopView) -> str:
    seen = "all of the inbox" if view.days is None else f"the last {view.days} days of the inbox"
    told = f"{login}: POP3 shows {seen}; what a program deletes {_BECOMES[view.after]}"
    if view.after in (AfterFetching.READ, AfterFetching.KEEP):
        told += " and is not shown again" if view.hides_fetched else " and is shown again"
    return told + "."
