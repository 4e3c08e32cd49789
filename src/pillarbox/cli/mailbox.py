"""Mailboxes: what an account's folders hold."""

from __future__ import annotations

import argparse

from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish
from pillarbox.cli.output import print_json, print_table, size
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import mailboxes


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox mailbox`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="the mailboxes of an account with their counts")
    listed.add_argument("login")
    finish(listed, run_list)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox mailbox list`."""

    async def work(opened: Opened) -> list[Mailbox]:
        account = await opened.admin.find_account(options.login)
        return await opened.store.read(lambda db: mailboxes.tree(db, account.id))

    found = run_opened(options, work)
    if options.json:
        print_json([_as_json(mailbox) for mailbox in found])
        return 0
    rows = [
        (
            mailbox.path,
            mailbox.role.value if mailbox.role else "",
            mailbox.messages,
            mailbox.unseen,
            size(mailbox.octets),
        )
        for mailbox in found
    ]
    print_table(("MAILBOX", "ROLE", "MESSAGES", "UNSEEN", "SIZE"), rows)
    return 0


def _as_json(mailbox: Mailbox) -> dict[str, object]:
    return {
        "path": mailbox.path,
        "role": mailbox.role.value if mailbox.role else None,
        "selectable": mailbox.selectable,
        "messages": mailbox.messages,
        "unseen": mailbox.unseen,
        "octets": mailbox.octets,
        "uid_validity": mailbox.uid_validity,
        "uid_next": mailbox.uid_next,
        "highest_modseq": mailbox.modseq,
    }
