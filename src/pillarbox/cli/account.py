"""Accounts: people who can sign in and have mailboxes. A login is an address, alice@example.org.

Passwords are asked for, read from standard input, or made up; never given on the command line,
where every user of the computer could see them.
"""

from __future__ import annotations

import argparse

from pillarbox.cli import pop_view, recovery
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import (
    add_password,
    confirm,
    finish,
    parse_count,
    parse_size,
    take_password,
)
from pillarbox.cli.output import answer, print_json, print_table, size
from pillarbox.net.secret import Secret
from pillarbox.store.model import Account
from pillarbox.store.sql import accounts


def configure(parser: argparse.ArgumentParser) -> None:
    """Verbs of `pillarbox account`."""
    verbs = parser.add_subparsers(title="what to do", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="make an account with its first mailboxes")
    add.add_argument("login", help="its address, alice@example.org")
    add.add_argument("--name", default="", help="the person's name")
    _add_quota(add)
    add.add_argument("--add-domain", action="store_true", help="serve the domain if it is new")
    add_password(add)
    finish(add, run_add)
    finish(verbs.add_parser("list", help="all accounts with their use of space"), run_list)
    passwd = verbs.add_parser("passwd", help="change the password; app passwords stay")
    passwd.add_argument("login")
    add_password(passwd)
    finish(passwd, run_passwd)
    quota = verbs.add_parser("quota", help="show or set how much an account may hold")
    quota.add_argument("login")
    _add_quota(quota)
    finish(quota, run_quota)
    for verb, what in (("enable", "let it sign in again"), ("disable", "forbid it to sign in")):
        switch = verbs.add_parser(verb, help=f"{what}; its mail stays and new mail arrives")
        switch.add_argument("login")
        finish(switch, run_enable if verb == "enable" else run_disable)
    pop_view.add_verb(verbs)
    recovery.add_verbs(verbs)
    remove = verbs.add_parser("remove", help="remove an account and all its mail")
    remove.add_argument("login")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    finish(remove, run_remove)


def run_add(options: argparse.Namespace) -> int:
    """`pillarbox account add`."""
    password, show = take_password(options, options.login)

    async def work(opened: Opened) -> Account:
        return await opened.admin.create_account(
            options.login,
            password,
            options.name,
            quota_octets=options.octets or 0,
            quota_messages=options.messages or 0,
            add_domain=options.add_domain,
        )

    account = run_opened(options, work)
    shown = _shown_password(password, show)
    return answer(
        options.json, {"login": account.login, **shown}, _with(f"Added {account.login}.", shown)
    )


def run_list(options: argparse.Namespace) -> int:
    """`pillarbox account list`."""

    async def work(opened: Opened) -> list[Account]:
        return await opened.store.read(accounts.all_accounts)

    found = run_opened(options, work)
    if options.json:
        print_json([_as_json(account) for account in found])
        return 0
    rows = [
        (
            account.login,
            account.name,
            "" if account.enabled else "disabled",
            account.used_messages,
            size(account.used_octets),
            size(account.quota_octets) if account.quota_octets else "none",
        )
        for account in found
    ]
    print_table(("LOGIN", "NAME", "STATE", "MESSAGES", "USED", "QUOTA"), rows)
    return 0


def run_passwd(options: argparse.Namespace) -> int:
    """`pillarbox account passwd`."""
    run_opened(options, lambda opened: opened.admin.find_account(options.login))
    password, show = take_password(options, options.login)
    run_opened(options, lambda opened: opened.admin.set_password(options.login, password))
    shown = _shown_password(password, show)
    done = f"The password of {options.login} is changed."
    return answer(options.json, {"login": options.login, **shown}, _with(done, shown))


def run_quota(options: argparse.Namespace) -> int:
    """`pillarbox account quota`."""

    async def work(opened: Opened) -> Account:
        account = await opened.admin.find_account(options.login)
        if options.octets is None and options.messages is None:
            return account
        octets = account.quota_octets if options.octets is None else options.octets
        messages = account.quota_messages if options.messages is None else options.messages
        await opened.admin.set_quota(options.login, octets, messages)
        return await opened.admin.find_account(options.login)

    account = run_opened(options, work)
    octets = size(account.quota_octets) if account.quota_octets else "no limit"
    messages = str(account.quota_messages) if account.quota_messages else "no limit"
    sentence = (
        f"{account.login}: {size(account.used_octets)} of {octets}, "
        f"{account.used_messages} messages of {messages}."
    )
    return answer(options.json, _as_json(account), sentence)


def run_enable(options: argparse.Namespace) -> int:
    """`pillarbox account enable`."""
    return _switch(options, enabled=True)


def run_disable(options: argparse.Namespace) -> int:
    """`pillarbox account disable`."""
    return _switch(options, enabled=False)


def run_remove(options: argparse.Namespace) -> int:
    """`pillarbox account remove`."""
    account = run_opened(options, lambda opened: opened.admin.find_account(options.login))
    question = f"Remove {account.login} and its {account.used_messages} messages for ever?"
    confirm(options, question)
    run_opened(options, lambda opened: opened.admin.remove_account(options.login))
    return answer(options.json, {"removed": account.login}, f"Removed {account.login}.")


def _switch(options: argparse.Namespace, *, enabled: bool) -> int:
    run_opened(options, lambda opened: opened.admin.set_enabled(options.login, enabled))
    state = "enabled" if enabled else "disabled"
    value = {"login": options.login, "enabled": enabled}
    return answer(options.json, value, f"{options.login} is {state}.")


def _add_quota(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--octets", type=parse_size, metavar="SIZE", help="most it may hold: 500M, 5G, none"
    )
    parser.add_argument(
        "--messages", type=parse_count, metavar="COUNT", help="most messages: 10000, none"
    )


def _shown_password(password: Secret, show: bool) -> dict[str, object]:
    return {"password": password.reveal().decode()} if show else {}


def _with(sentence: str, shown: dict[str, object]) -> str:
    return f"{sentence} Password: {shown['password']}" if shown else sentence


def _as_json(account: Account) -> dict[str, object]:
    return {
        "login": account.login,
        "name": account.name,
        "enabled": account.enabled,
        "used_octets": account.used_octets,
        "used_messages": account.used_messages,
        "quota_octets": account.quota_octets,
        "quota_messages": account.quota_messages,
        "created_at": account.created_at,
    }
