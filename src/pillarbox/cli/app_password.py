"""App passwords: one for each mail program, for some protocols only, withdrawn on its own.

The password is made here and shown once; what is stored cannot be turned back into it.
"""

from __future__ import annotations

import argparse
from datetime import timedelta

from pillarbox.accounts.app_passwords import encode_token
from pillarbox.accounts.scope import ALL_SCOPES, Scope
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish, parse_count
from pillarbox.cli.output import answer, print_json, print_table
from pillarbox.clock import from_unix_seconds, unix_seconds
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.store.model import AppPasswordRow
from pillarbox.store.sql import credentials


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox app-password`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="make one and show it")
    add.add_argument("login")
    add.add_argument("name", help="what it is for: 'Thunderbird on the laptop'")
    add.add_argument(
        "--for",
        dest="scopes",
        metavar="PROTOCOL",
        action="append",
        choices=[scope.value for scope in Scope],
        help="imap, pop3, smtp or jmap; may be repeated; all when left out",
    )
    add.add_argument("--days", type=parse_count, metavar="N", help="valid for so many days")
    finish(add, run_add)
    listed = verbs.add_parser("list", help="those of an account, with their last use")
    listed.add_argument("login")
    finish(listed, run_list)
    remove = verbs.add_parser("remove", help="withdraw one; it is refused from then on")
    remove.add_argument("login")
    remove.add_argument("number", type=parse_count, help="as 'list' shows it")
    finish(remove, run_remove)


def run_add(options: argparse.Namespace) -> int:
    """`pillarbox app-password add`."""
    scopes = frozenset(Scope(word) for word in options.scopes or ALL_SCOPES)

    async def work(opened: Opened) -> tuple[int, Secret, AccountId]:
        expires_at = None
        if options.days:
            expiry = opened.store.clock.now() + timedelta(days=options.days)
            expires_at = unix_seconds(expiry)
        account = await opened.admin.find_account(options.login)
        number, password = await opened.admin.add_app_password(
            options.login, options.name, scopes=scopes, expires_at=expires_at
        )
        return number, password, account.id

    number, password, account = run_opened(options, work)
    shown = password.reveal().decode()
    value = {"login": options.login, "number": number, "password": shown}
    told = f"App password {number} of {options.login}, shown only now: {shown}"
    if Scope.JMAP in scopes:
        value["token"] = token = encode_token(account, password)
        told += f"\nFor a JMAP program that asks for a token: {token}"
    return answer(options.json, value, told)


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox app-password list`."""

    async def work(opened: Opened) -> list[AppPasswordRow]:
        account = await opened.admin.find_account(options.login)
        return await opened.store.read(lambda db: credentials.app_passwords(db, account.id))

    found = run_opened(options, work)
    if options.json:
        print_json(
            [
                {
                    "number": row.id,
                    "name": row.name,
                    "for": row.scopes.split(),
                    "created_at": row.created_at,
                    "expires_at": row.expires_at,
                    "last_used_at": row.last_used_at,
                }
                for row in found
            ]
        )
        return 0
    rows = [
        (row.id, row.name, row.scopes, _day(row.expires_at), _day(row.last_used_at))
        for row in found
    ]
    print_table(("NUMBER", "NAME", "FOR", "EXPIRES", "LAST USED"), rows)
    return 0


def run_remove(options: argparse.Namespace) -> int:
    """`pillarbox app-password remove`."""
    run_opened(
        options, lambda opened: opened.admin.remove_app_password(options.login, options.number)
    )
    value = {"login": options.login, "removed": options.number}
    return answer(options.json, value, f"App password {options.number} is withdrawn.")


def _day(seconds: int | None) -> str:
    return "never" if seconds is None else from_unix_seconds(seconds).strftime("%Y-%m-%d %H:%M")
