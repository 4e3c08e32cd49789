"""Making and changing accounts, domains, aliases and credentials: what the command line does."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from pillarbox.accounts.app_passwords import (
    app_password_digest,
    canonical_app_password,
    generate_app_password,
)
from pillarbox.accounts.ending import let_go
from pillarbox.accounts.names import check_new_local_part, fold_address, fold_domain, split_address
from pillarbox.accounts.passwords import PasswordHasher, prepare_password
from pillarbox.accounts.scope import ALL_SCOPES, Scope, encode_scopes
from pillarbox.config.auth import AuthSettings
from pillarbox.errors import BadName, NoSuchAccount, NoSuchDomain
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.sasl.scram_keys import (
    SALT_OCTETS,
    ScramRecord,
    decode_record,
    derive_record,
    encode_record,
)
from pillarbox.store import Store
from pillarbox.store.database import Transaction
from pillarbox.store.model import Account, AppPasswordRow
from pillarbox.store.sql import accounts, addresses, credentials, ended


class AccountAdmin:
    """Names are folded and checked here; the store below compares exactly."""

    def __init__(self, store: Store, settings: AuthSettings) -> None:
        self._store = store
        self._settings = settings
        self._hasher = PasswordHasher(settings)

    @property
    def hasher(self) -> PasswordHasher:
        """For other secrets that people keep."""
        return self._hasher

    def close(self) -> None:
        """Let the hashing threads end."""
        self._hasher.close()

    # Domains

    async def add_domain(self, name: str) -> str:
        """Serve a domain; returns its stored form. Raises BadName, AlreadyExists."""
        domain = fold_domain(name)
        await self._store.write(lambda tx: accounts.add_domain(tx, domain))
        return domain

    async def remove_domain(self, name: str) -> None:
        """Raises NoSuchDomain."""
        domain = fold_domain(name)
        await self._store.write(lambda tx: accounts.remove_domain(tx, domain))

    # Accounts

    async def create_account(
        self,
        login: str,
        password: Secret,
        name: str = "",
        *,
        quota_octets: int = 0,
        quota_messages: int = 0,
        add_domain: bool = False,
        along: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> Account:
        """An account with its first mailboxes and a password, in one write.

        Raises BadName, AlreadyExists, NoSuchDomain (unless `add_domain`), and what `along` does,
        which runs in the same transaction.
        """
        local, domain = split_address(login)
        check_new_local_part(local)
        folded = f"{local}@{domain}"
        argon2, scram = await self._derive(password, None)

        async def create(tx: Transaction) -> Account:
            if not await accounts.has_domain(tx, domain):
                if not add_domain:
                    raise NoSuchDomain(f"Add the domain first: {domain}.")
                await accounts.add_domain(tx, domain)
            account = await accounts.create(tx, folded, name, quota_octets, quota_messages)
            await credentials.set_password(tx, account.id, argon2, scram)
            if along is not None:
                await along(tx)
            return account

        return await self._store.write(create)

    async def find_account(self, login: str) -> Account:
        """Raises NoSuchAccount."""
        try:
            folded = fold_address(login)
        except BadName:
            raise NoSuchAccount from None
        account = await self._store.read(lambda db: accounts.find(db, folded))
        if account is None:
            raise NoSuchAccount
        return account

    async def set_password(
        self,
        login: str,
        password: Secret,
        *,
        keep_session: int | None = None,
        end_app_passwords: bool = False,
    ) -> None:
        """Change the password, and let go of everyone who is signed in.

        `keep_session`: the browser that asked for it stays. Raises NoSuchAccount, BadName.
        """
        account = await self.find_account(login)
        change = await self.password_change(account.id, password)

        async def work(tx: Transaction) -> None:
            await change(tx)
            await let_go(tx, account.id, keep_session=keep_session)
            if end_app_passwords:
                for row in await credentials.app_passwords(tx, account.id):
                    await credentials.remove_app_password(tx, account.id, row.id)

        await self._store.write(work)

    async def password_change(
        self, account: AccountId, password: Secret
    ) -> Callable[[Transaction], Awaitable[None]]:
        """A new password, to be written along with something else. Raises BadName."""
        current = await self._scram_record(account)
        argon2, scram = await self._derive(password, current)

        async def change(tx: Transaction) -> None:
            await credentials.set_password(tx, account, argon2, scram)

        return change

    async def set_quota(self, login: str, octets: int, messages: int = 0) -> None:
        """0 is no limit. Raises NoSuchAccount."""
        account = await self.find_account(login)
        await self._store.write(lambda tx: accounts.set_quota(tx, account.id, octets, messages))

    async def set_enabled(self, login: str, enabled: bool) -> None:
        """A disabled account cannot sign in; its mail stays. Raises NoSuchAccount."""
        account = await self.find_account(login)

        async def work(tx: Transaction) -> None:
            await accounts.set_enabled(tx, account.id, enabled)
            if not enabled:
                await let_go(tx, account.id)

        await self._store.write(work)

    async def remove_account(self, login: str) -> None:
        """The account and all its mail. Raises NoSuchAccount."""
        account = await self.find_account(login)
        await self._store.write(lambda tx: accounts.remove(tx, account.id))

    # Aliases

    async def add_alias(self, address: str, targets: list[str]) -> str:
        """Returns its stored form; "@domain" is a catch-all.

        Raises BadName, AlreadyExists, NoSuchDomain.
        """
        local, domain = split_address(address)
        if local:
            check_new_local_part(local)
        if not targets:
            raise BadName("An alias needs an address that it leads to.")
        folded = [fold_address(target) for target in targets]
        if any(target.startswith("@") for target in folded):
            raise BadName("An alias cannot lead to a catch-all address.")
        alias = f"{local}@{domain}"

        async def add(tx: Transaction) -> str:
            if not await accounts.has_domain(tx, domain):
                raise NoSuchDomain(f"Add the domain first: {domain}.")
            await addresses.add_alias(tx, alias, folded)
            return alias

        return await self._store.write(add)

    async def remove_alias(self, address: str) -> None:
        """Raises NotFound."""
        folded = fold_address(address)
        await self._store.write(lambda tx: addresses.remove_alias(tx, folded))

    # App passwords

    async def add_app_password(
        self,
        login: str,
        name: str,
        *,
        scopes: frozenset[Scope] = ALL_SCOPES,
        expires_at: int | None = None,
    ) -> tuple[int, Secret]:
        """Its number and the password itself, which is shown this once."""
        account = await self.find_account(login)
        password = generate_app_password()
        canonical = canonical_app_password(password)
        assert canonical is not None
        current = await self._scram_record(account.id)
        scram = b""
        if self._settings.scram and current is not None:
            record = await self._hasher.run(
                derive_record, password.reveal(), current.salt, current.iterations
            )
            scram = encode_record(record)
        digest = app_password_digest(account.id, canonical)
        number = await self._store.write(
            lambda tx: credentials.add_app_password(
                tx, account.id, name, digest, encode_scopes(scopes), expires_at, scram
            )
        )
        return number, password

    async def app_passwords(self, login: str) -> list[AppPasswordRow]:
        """All of an account, in the order of their making. Raises NoSuchAccount."""
        account = await self.find_account(login)
        return await self._store.read(lambda db: credentials.app_passwords(db, account.id))

    async def remove_app_password(self, login: str, number: int) -> None:
        """Withdraw it; programs that are connected by it have to sign in again.

        Raises NoSuchAccount, NotFound.
        """
        account = await self.find_account(login)

        async def work(tx: Transaction) -> None:
            await credentials.remove_app_password(tx, account.id, number)
            await ended.tell_of_app_password(tx, account.id, number)

        await self._store.write(work)

    # Keys

    async def _scram_record(self, account: AccountId) -> ScramRecord | None:
        row = await self._store.read(lambda db: credentials.password(db, account))
        return decode_record(row.scram) if row is not None else None

    async def _derive(self, password: Secret, current: ScramRecord | None) -> tuple[str, bytes]:
        """argon2id hash and SCRAM record; salt and cost stay so that app passwords keep theirs."""
        prepared = self._check_new_password(password)
        argon2 = await self._hasher.hash(prepared)
        if not self._settings.scram:
            return argon2, b""
        salt = current.salt if current is not None else secrets.token_bytes(SALT_OCTETS)
        iterations = current.iterations if current is not None else self._settings.scram_iterations
        record = await self._hasher.run(derive_record, prepared, salt, iterations)
        return argon2, encode_record(record)

    def _check_new_password(self, password: Secret) -> bytes:
        prepared = prepare_password(password)
        if prepared is None:
            raise BadName("A password cannot hold control characters.")
        if len(prepared.decode()) < self._settings.shortest_password:
            raise BadName(
                f"A password needs {self._settings.shortest_password} characters or more."
            )
        if len(prepared) > self._settings.longest_password:
            raise BadName("That password is too long.")
        return prepared
