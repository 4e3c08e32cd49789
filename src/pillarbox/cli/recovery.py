"""Verbs of `pillarbox account` for who cannot get in, or has no account yet."""

from __future__ import annotations

import argparse
import secrets
from typing import Any

from pillarbox.accounts.names import check_new_local_part, split_address
from pillarbox.accounts.recovery import Recovering, token_digest
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.options import finish, parse_count, parse_size
from pillarbox.cli.output import answer, print_json, print_table
from pillarbox.clock import from_unix_seconds
from pillarbox.config.site import site_origin
from pillarbox.errors import NoSuchDomain
from pillarbox.net.secret import Secret
from pillarbox.store import Transaction
from pillarbox.store.sql import accounts, invitations, recovery, second_factors
from pillarbox.store.sql.invitations import Invitation
from pillarbox.store.sql.recovery import HelpRequest

_HOUR, _DAY = 3600, 86_400


def add_verbs(verbs: Any) -> None:
    """To the verbs of `pillarbox account`."""
    link = verbs.add_parser(
        "reset-link", help="make a link with which its owner chooses a new password, once"
    )
    link.add_argument("login")
    link.add_argument("--hours", type=parse_count, metavar="N", help="good for so long (24)")
    finish(link, run_link)
    lost = verbs.add_parser(
        "second-step-off",
        help="let the password alone open an account again: the telephone is lost",
    )
    lost.add_argument("login")
    finish(lost, run_second_step_off)
    asked = verbs.add_parser("help-requests", help="who asked for help at the sign-in page")
    finish(asked, run_requests)
    invite = verbs.add_parser("invite", help="make a link with which somebody makes an account")
    invite.add_argument("address", help="eve@example.org, or @example.org to let the guest choose")
    invite.add_argument(
        "--quota", type=parse_size, metavar="SIZE", help="as 'account quota' has it"
    )
    invite.add_argument("--days", type=parse_count, metavar="N", help="good for so long (14)")
    finish(invite, run_invite)


def run_link(options: argparse.Namespace) -> int:
    """`pillarbox account reset-link`: the administrator never learns the password."""

    async def work(opened: Opened) -> tuple[str, int]:
        account = await opened.admin.find_account(options.login)
        settings = opened.settings.recovery
        hours = options.hours or settings.administrator_link_hours
        recovering = Recovering(opened.store, opened.admin, opened.store.clock, settings)

        async def make(tx: Transaction) -> Secret:
            return await recovering.new_link(tx, account.id, "administrator", hours * _HOUR)

        token = await opened.store.write(make)
        return f"{site_origin(opened.settings)}/reset/{token.reveal().decode()}", hours

    link, hours = run_opened(options, work)
    sentence = (
        f"{link}\n\nGood once, for {hours} hours. Give it to the owner of {options.login} by a way "
        "that you trust:\nwhoever opens it chooses the password. Links made before are good no "
        "longer."
    )
    return answer(options.json, {"link": link, "hours": hours}, sentence)


def run_second_step_off(options: argparse.Namespace) -> int:
    """`pillarbox account second-step-off`: codes are forgotten, passkeys and app passwords stay."""

    async def work(opened: Opened) -> bool:
        account = await opened.admin.find_account(options.login)

        async def turn_off(tx: Transaction) -> bool:
            row = await second_factors.find(tx, account.id)
            await second_factors.remove_totp(tx, account.id)
            return row.required

        return await opened.store.write(turn_off)

    was_on = run_opened(options, work)
    sentence = (
        f"The password alone opens {options.login} now. Its owner sets up another second step in "
        "the settings."
        if was_on
        else f"{options.login} had no second step."
    )
    return answer(options.json, {"was_on": was_on}, sentence)


def run_requests(options: argparse.Namespace) -> int:
    """`pillarbox account help-requests`."""

    async def work(opened: Opened) -> list[HelpRequest]:
        return await opened.store.read(recovery.help_requests)

    found = run_opened(options, work)
    rows = [
        (one.login, from_unix_seconds(one.asked_at).isoformat(timespec="seconds"), one.peer)
        for one in found
    ]
    if options.json:
        names = ("login", "asked_at", "peer")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif rows:
        print_table(("login", "asked", "from"), rows)
        print("\nMake sure who they are, then: pillarbox account reset-link LOGIN")
    else:
        print("Nobody waits for help.")
    return 0


def run_invite(options: argparse.Namespace) -> int:
    """`pillarbox account invite`."""
    local, domain = split_address(options.address)
    if local:
        check_new_local_part(local)
    token = Secret(secrets.token_urlsafe(32))

    async def work(opened: Opened) -> tuple[str, int]:
        days = options.days or opened.settings.recovery.invitation_days

        async def make(tx: Transaction) -> None:
            if not await accounts.has_domain(tx, domain):
                raise NoSuchDomain(f"Add the domain first: {domain}.")
            given = Invitation(f"{local}@{domain}", options.quota or 0, tx.now() + days * _DAY)
            await invitations.add(tx, token_digest(token), given)

        await opened.store.write(make)
        return f"{site_origin(opened.settings)}/invite/{token.reveal().decode()}", days

    link, days = run_opened(options, work)
    sentence = f"{link}\n\nGood once, for {days} days."
    return answer(options.json, {"link": link, "days": days}, sentence)
