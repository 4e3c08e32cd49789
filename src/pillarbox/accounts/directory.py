"""Which accounts an address leads to: accounts, aliases, plus-addressing, catch-all, postmaster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from pillarbox.accounts.names import fold_address, fold_domain, split_address
from pillarbox.errors import BadName, LimitReached, NoSuchAccount, NoSuchDomain
from pillarbox.ids import AccountId, RemoteId
from pillarbox.store import Store
from pillarbox.store.database import Reader
from pillarbox.store.model import Account, AddressRow
from pillarbox.store.sql import accounts, addresses, send_as

MAX_ALIAS_DEPTH = 10  # an alias of an alias of …; deeper is a mistake
MAX_TARGETS = 1000  # recipients that one address may lead to
SUBADDRESS_SEPARATOR = "+"  # RFC 5233: user+detail@domain
_POSTMASTER = "postmaster"  # RFC 5321 §4.5.1: always accepted
_ABUSE = "abuse"  # RFC 2142 §4; leads where postmaster leads unless it has a target of its own


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A mailbox of ours; `detail` is what stood behind the "+" (RFC 5233)."""

    account: AccountId
    login: str
    detail: str = ""
    has_rules: bool = False


@dataclass(frozen=True, slots=True)
class RemoteTarget:
    """An alias leads out of this server."""

    address: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everyone that an address leads to, each once, in the order of the aliases."""

    targets: tuple[LocalTarget | RemoteTarget, ...]
    accounts: tuple[Account, ...] = ()  # behind the local ones, as read in the same snapshot


class Directory:
    """Reads only; a read snapshot a call."""

    def __init__(self, store: Store, *, postmaster: str = "") -> None:
        """`postmaster`: the address that gets postmaster's mail of domains that name none; ""
        is the first account.
        """
        self._store = store
        self._postmaster = postmaster

    async def resolve(self, address: str) -> Resolved:
        """Raises NoSuchDomain (not served here), NoSuchAccount, BadName, LimitReached."""
        if "@" not in address and address.casefold() == _POSTMASTER:
            return await self._store.read(self._resolve_postmaster)  # RFC 5321 §2.3.5
        local, domain = split_address(address)

        async def read(db: Reader) -> Resolved:
            own = await accounts.find_by_address(db, f"{local}@{domain}", domain)
            if own is not None and own.enabled:  # nearly all mail: one statement
                return Resolved((_target(own),), (own,))
            if not await accounts.has_domain(db, domain):
                raise NoSuchDomain
            if not local:
                raise NoSuchAccount
            expansion = _Expansion(db)
            await expansion.add(f"{local}@{domain}", "", 0)
            if expansion.targets:
                return expansion.resolved()
            if expansion.found_alias:
                raise NoSuchAccount("The alias leads to nobody.")
            if local in (_POSTMASTER, _ABUSE):
                return await self._resolve_postmaster(db)
            raise NoSuchAccount

        return await self._store.read(read)

    async def is_served(self, domain: str) -> bool:
        """Whether mail for the domain ends here."""
        try:
            folded = fold_domain(domain)
        except BadName:
            return False
        return await self._store.read(lambda db: accounts.has_domain(db, folded))

    async def may_send_as(self, account: AccountId, address: str) -> bool:
        """Whether the account may use the address, with or without a "+detail"."""
        try:
            local, domain = split_address(address)
        except BadName:
            return False
        plain = local.partition(SUBADDRESS_SEPARATOR)[0] or local

        async def read(db: Reader) -> bool:
            if await _leads_to(db, f"{local}@{domain}", account):
                return True
            if plain != local and await _leads_to(db, f"{plain}@{domain}", account):
                return True
            if await _first_row(db, [f"{local}@{domain}", f"{plain}@{domain}"]) is not None:
                return False  # it is somebody else's
            return await _leads_to(db, f"@{domain}", account)

        return await self._store.read(read)

    async def find_send_as(self, account: AccountId, address: str) -> RemoteId | None:
        """The account's remote account through whose server it may send as the address.

        Never one in a domain of ours: whoever adds a remote account says what its addresses are.
        """
        try:
            local, domain = split_address(address)
        except BadName:
            return None

        async def read(db: Reader) -> RemoteId | None:
            remote = await send_as.find(db, account, f"{local}@{domain}")
            is_ours = remote is not None and await accounts.has_domain(db, domain)
            return None if is_ours else remote

        return await self._store.read(read)

    async def _resolve_postmaster(self, db: Reader) -> Resolved:
        """The configured address, else the first account that is enabled."""
        if self._postmaster:
            expansion = _Expansion(db)
            await expansion.add(fold_address(self._postmaster), "", 0)
            if expansion.targets:
                return expansion.resolved()
        enabled = [found for found in await accounts.all_accounts(db) if found.enabled]
        if not enabled:
            raise NoSuchAccount
        first = min(enabled, key=lambda found: found.id)
        return Resolved((_target(first),), (first,))


class _Expansion:
    """Follows aliases, visiting each address once, so that loops end."""

    def __init__(self, db: Reader) -> None:
        self._db = db
        self._seen: set[str] = set()
        self.targets: dict[LocalTarget | RemoteTarget, None] = {}
        self.accounts: dict[AccountId, Account] = {}
        self.found_alias = False

    def resolved(self) -> Resolved:
        """What was found."""
        return Resolved(tuple(self.targets), tuple(self.accounts.values()))

    async def add(self, address: str, detail: str, depth: int) -> None:
        """Add what a folded address leads to; `detail` came with an alias before it."""
        if address in self._seen:
            return
        if depth > MAX_ALIAS_DEPTH or len(self.targets) >= MAX_TARGETS:
            raise LimitReached(
                "The alias leads to too many addresses; its administrator must shorten it."
            )
        self._seen.add(address)
        local, _, domain = address.rpartition("@")
        plain, separator, own_detail = local.partition(SUBADDRESS_SEPARATOR)
        names = [address]
        if separator and plain:
            names.append(f"{plain}@{domain}")
        row = await _first_row(self._db, [*names, f"@{domain}"])
        if row is None:
            await self._add_elsewhere(address, domain, depth)
            return
        if row.address == names[-1] and len(names) == 2:
            detail = own_detail
        await self.add_row(row, detail, depth)

    async def add_row(self, row: AddressRow, detail: str, depth: int) -> None:
        if row.account is not None:
            account = await accounts.get(self._db, row.account)
            if account.enabled:
                self.targets[_target(account, detail)] = None
                self.accounts[account.id] = account
            return
        self.found_alias = True
        for target in row.targets:
            await self.add(target, detail, depth + 1)

    async def _add_elsewhere(self, address: str, domain: str, depth: int) -> None:
        """An alias's target that is no address of ours: remote, unless we serve its domain."""
        if depth and not await accounts.has_domain(self._db, domain):
            self.targets[RemoteTarget(address)] = None


def _target(account: Account, detail: str = "") -> LocalTarget:
    return LocalTarget(account.id, account.login, detail, account.has_rules)


async def _first_row(db: Reader, names: Iterable[str]) -> AddressRow | None:
    for name in names:
        row = await addresses.find_address(db, name)
        if row is not None:
            return row
    return None


async def _leads_to(db: Reader, name: str, account: AccountId) -> bool:
    row = await addresses.find_address(db, name)
    if row is None:
        return False
    expansion = _Expansion(db)
    with contextlib.suppress(LimitReached):  # then those found so far count
        await expansion.add_row(row, "", 0)
    return any(isinstance(t, LocalTarget) and t.account == account for t in expansion.targets)
