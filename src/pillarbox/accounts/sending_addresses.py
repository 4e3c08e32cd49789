"""All addresses under which an account may write: its own, aliases, and of its remote accounts."""

from __future__ import annotations

from pillarbox.accounts.directory import SUBADDRESS_SEPARATOR
from pillarbox.ids import AccountId
from pillarbox.store.database import Reader
from pillarbox.store.sql import accounts, addresses, send_as


async def sending_addresses(db: Reader, account: AccountId) -> list[str]:
    """The login first; "*@domain" for a catch-all. It reads every alias: for a reader thread.

    The same that `Directory.may_send_as` and `find_send_as` allow, less what stands behind a "+".
    Raises NoSuchAccount.
    """
    own = await accounts.get(db, account)
    found = dict.fromkeys([own.login, *await addresses.of_account(db, account)])
    aliases = await addresses.list_aliases(db)
    new = True
    while new:  # an alias of an alias: as many rounds as there are levels
        new = False
        for alias in aliases:
            if alias.address not in found and any(_plain(one) in found for one in alias.targets):
                found[alias.address] = None
                new = True
    for address in await send_as.addresses_of(db, account):
        if not await accounts.has_domain(db, address.rpartition("@")[2]):
            found.setdefault(address)
    return [f"*{address}" if address.startswith("@") else address for address in found]


def _plain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition(SUBADDRESS_SEPARATOR)[0] or local}@{domain}"
