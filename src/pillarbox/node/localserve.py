"""What is different under `pillarbox localserve`: every address is ours, none is elsewhere."""

from __future__ import annotations

from pillarbox.accounts.directory import Directory, LocalTarget, Resolved
from pillarbox.errors import ConfigurationError
from pillarbox.ids import AccountId
from pillarbox.store import Store
from pillarbox.store.model import Account
from pillarbox.store.sql import accounts


class LocalserveDirectory(Directory):
    """Leads every address to one account, which may send as anybody."""

    def __init__(self, store: Store, account: Account) -> None:
        super().__init__(store)
        self._target = LocalTarget(account.id, account.login)

    async def resolve(self, address: str) -> Resolved:
        """Always the one account."""
        return Resolved((self._target,))

    async def is_served(self, domain: str) -> bool:
        """All mail ends here."""
        return True

    async def may_send_as(self, account: AccountId, address: str) -> bool:
        """A program under test may write any sender."""
        return True


async def local_account(store: Store, login: str) -> Account:
    """The account that `pillarbox localserve` made. Raises ConfigurationError without it."""
    account = await store.read(lambda db: accounts.find(db, login))
    if account is None:
        raise ConfigurationError(f"There is no account {login} in this data folder.")
    return account
