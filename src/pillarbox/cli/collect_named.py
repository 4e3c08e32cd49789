"""Which remote account a command means."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from pillarbox.accounts.vault import Vault
from pillarbox.cli.opened import Opened
from pillarbox.clock import SystemClock
from pillarbox.errors import NotFound
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.store.sql import accounts


class Named(msgspec.Struct, frozen=True):
    """A remote account with whose it is here."""

    remote: Remote
    login: str


def remotes_of(opened: Opened) -> Remotes:
    """The collection of them all."""
    settings = opened.settings
    vault = Vault(Path(settings.store.data_dir))
    return Remotes(opened.store, vault, SystemClock(), settings.collect)


async def find_remote(opened: Opened, options: argparse.Namespace, *, once: bool) -> Named:
    """By number or name. Raises NotFound, NoSuchAccount."""
    for named in await find_remotes(opened, options.account, once=once):
        if options.remote in (str(named.remote.id), named.remote.label):
            return named
    what, listing = ("import", "import") if once else ("remote account", "collect")
    raise NotFound(
        f"{options.account} has no {what} {options.remote!r}. "
        f"'pillarbox {listing} list {options.account}' shows them."
    )


async def find_remotes(opened: Opened, login: str, *, once: bool) -> list[Named]:
    """Those of an account, or of all; imports or what is collected. Raises NoSuchAccount."""
    if login:
        account = await opened.admin.find_account(login)
        of, logins = account.id, {account.id: account.login}
    else:
        everybody = await opened.store.read(accounts.all_accounts)
        of, logins = None, {account.id: account.login for account in everybody}
    found = await remotes_of(opened).list_remotes(of)
    return [Named(one, logins.get(one.account, "")) for one in found if one.settings.once is once]
