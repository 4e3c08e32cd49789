"""Remote accounts as people handle them: added, shown, paused, removed, with their secrets sealed.

What is returned may be shown to the account's owner, but for `sign_in`.
"""

from __future__ import annotations

from functools import partial

import msgspec

from pillarbox.accounts.names import split_address
from pillarbox.accounts.second_factors import reseal_totp
from pillarbox.accounts.vault import Vault, VaultClosed
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.collect import CollectSettings
from pillarbox.errors import LimitReached
from pillarbox.flow.collect.sealing import decode_sign_in, encode_sign_in
from pillarbox.flow.collect.settings import BadRemote, RemoteSettings, SignIn
from pillarbox.ids import AccountId, RemoteId
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import accounts, remote_runs, remotes, send_as
from pillarbox.store.sql.remote_runs import RunRow
from pillarbox.store.sql.remotes import RemoteRow, RemoteState

ROWS_AT_ONCE = 2000  # that are deleted in one write
_SEALED_AT_ONCE = 100
_USUAL_PORTS = {"imap": (143, 993), "pop3": (110, 995)}  # with STARTTLS, and with TLS at once


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A remote account and how it goes there."""

    id: RemoteId
    account: AccountId
    settings: RemoteSettings
    state: RemoteState
    trouble: str  # the last one's name (`source.Trouble`, …); "" after success
    why: str  # its sentence
    failures: int  # in a row
    due_at: int | None  # Unix seconds; None: not by itself
    is_running: bool  # some process works at it now
    created_at: int
    succeeded_at: int | None  # end of the last run that went well

    @property
    def label(self) -> str:
        """Its name."""
        return self.settings.label


class Remotes:
    """The collection of them all."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, settings: CollectSettings) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._settings = settings

    async def add(
        self,
        account: AccountId,
        settings: RemoteSettings,
        sign_in: SignIn | None,
        *,
        by_itself: bool = True,
    ) -> RemoteId:
        """A new one, which is looked at soon; without `by_itself` only by hand.

        Without a sign-in it cannot be looked at but by who has the password. Raises AlreadyExists
        for its label, LimitReached.
        """
        can_alone = settings.uploaded or (settings.kind != "file" and sign_in is not None)
        by_itself = by_itself and can_alone
        state = RemoteState.ACTIVE if by_itself else RemoteState.PAUSED
        due_at = self._now() if by_itself else None

        async def write(tx: Transaction) -> RemoteId:
            await self._check_room(tx, account, settings.once)
            number = await remotes.add(
                tx,
                account,
                settings.label,
                _encode(settings),
                host=_host_of(settings),
                state=state,
                due_at=due_at,
            )
            await _put_send_as(tx, account, number, settings)
            if sign_in is not None:
                sealed = self._vault.seal(account, number, encode_sign_in(sign_in))
                await remotes.set_sealed(tx, number, sealed)
            return number

        return await self._store.write(write)

    async def go_on(
        self,
        moved_in: RemoteId,
        settings: RemoteSettings,
        sign_in: SignIn,
        *,
        by_itself: bool = True,
    ) -> None:
        """Collect from now on where an import came from: what it brought does not come again.

        It is no import any more then. Raises NotFound, AlreadyExists, LimitReached.
        """
        state = RemoteState.ACTIVE if by_itself else RemoteState.PAUSED
        due_at = self._now() if by_itself else None

        async def write(tx: Transaction) -> None:
            row = await remotes.get(tx, moved_in)
            await self._check_room(tx, row.account, settings.once)
            await _store_settings(tx, moved_in, settings)
            await _put_send_as(tx, row.account, moved_in, settings)
            await self._keep(tx, remote=moved_in, sign_in=sign_in)
            await remotes.steer(tx, moved_in, state, due_at)

        await self._store.write(write)

    async def _check_room(self, tx: Transaction, account: AccountId, once: bool) -> None:
        rows = await remotes.list_remotes(tx, account)
        others = sum(self.of_row(row).settings.once == once for row in rows)
        if others >= (self._settings.max_imports if once else self._settings.max_remotes):
            raise LimitReached("The account has as many remote accounts as are allowed.")

    # Reading

    async def get(self, remote: RemoteId) -> Remote:
        """Raises NotFound."""
        return self.of_row(await self._store.read(lambda db: remotes.get(db, remote)))

    async def find(self, account: AccountId, label: str) -> Remote | None:
        """An account's remote account of that name."""
        row = await self._store.read(lambda db: remotes.find_label(db, account, label))
        return self.of_row(row) if row is not None else None

    async def find_place(self, account: AccountId, like: RemoteSettings) -> Remote | None:
        """An account's remote account that is at the same place: what was begun there goes on.

        Another port is another server, unless both are ports that every server has.
        """
        place = _place_of(like)
        for remote in await self.list_remotes(account):
            if _place_of(remote.settings) == place:
                return remote
        return None

    async def list_remotes(self, account: AccountId | None = None) -> list[Remote]:
        """All, or an account's, in the order of their making."""
        rows = await self._store.read(lambda db: remotes.list_remotes(db, account))
        return [self.of_row(row) for row in rows]

    async def runs(self, remote: RemoteId, limit: int = 20) -> list[RunRow]:
        """Its runs, the newest first."""
        return await self._store.read(lambda db: remote_runs.runs(db, remote, limit))

    def of_row(self, row: RemoteRow) -> Remote:
        """A stored row as a value."""
        return Remote(
            id=row.id,
            account=row.account,
            settings=msgspec.json.decode(row.settings, type=RemoteSettings),
            state=row.state,
            trouble=row.trouble,
            why=row.why,
            failures=row.failures,
            due_at=row.due_at,
            is_running=row.leased_until > self._now(),
            created_at=row.created_at,
            succeeded_at=row.succeeded_at,
        )

    # Secrets

    async def sign_in(self, remote: RemoteId) -> SignIn:
        """How to sign in there. Raises NotFound, VaultClosed."""
        account, sealed = await self._store.read(partial(remotes.sealed, remote=remote))
        if not sealed:
            raise VaultClosed("No password is stored for this remote account. Enter it.")
        return decode_sign_in(self._vault.open(account, remote, sealed))

    async def keep_sign_in(self, remote: RemoteId, sign_in: SignIn) -> None:
        """Replace it while it is used: an OAuth grant was refreshed. Raises NotFound."""
        await self._store.write(partial(self._keep, remote=remote, sign_in=sign_in))

    async def set_sign_in(self, remote: RemoteId, sign_in: SignIn) -> None:
        """A person gave a new one: what needed attention is tried again. Raises NotFound."""
        due_at = self._now()

        async def write(tx: Transaction) -> None:
            await self._keep(tx, remote=remote, sign_in=sign_in)
            row = await remotes.get(tx, remote)
            settings = msgspec.json.decode(row.settings, type=RemoteSettings)
            if settings.login != sign_in.login:
                changed = msgspec.structs.replace(settings, login=sign_in.login)
                await _store_settings(tx, remote, changed)
            if row.state in (RemoteState.ATTENTION, RemoteState.ACTIVE):
                await remotes.steer(tx, remote, RemoteState.ACTIVE, due_at)

        await self._store.write(write)

    async def _keep(self, tx: Transaction, *, remote: RemoteId, sign_in: SignIn) -> None:
        account, _ = await remotes.sealed(tx, remote)
        sealed = self._vault.seal(account, remote, encode_sign_in(sign_in))
        await remotes.set_sealed(tx, remote, sealed)

    async def reseal(self) -> tuple[int, list[RemoteId]]:
        """Seal everything with a new key and forget the old ones, while the server may run.

        How many were sealed anew, and those whose old key is lost: their passwords must be entered
        again. Raises VaultClosed.
        """
        self._vault.add_key()
        done, lost, after = 0, list[RemoteId](), RemoteId(0)
        while True:
            found = await self._store.write(partial(self._reseal_some, after=after))
            if not found:
                break
            done += sum(is_open for _, is_open in found)
            lost += [number for number, is_open in found if not is_open]
            after = found[-1][0]
        await reseal_totp(self._store, self._vault)
        self._vault.drop_old_keys()
        return done, lost

    async def _reseal_some(
        self, tx: Transaction, *, after: RemoteId
    ) -> list[tuple[RemoteId, bool]]:
        found = []
        for number, account, sealed in await remotes.all_sealed(tx, after, _SEALED_AT_ONCE):
            try:
                anew = self._vault.reseal(account, number, sealed)
            except VaultClosed:
                found.append((number, False))
                continue
            if anew is not None:
                await remotes.set_sealed(tx, number, anew)
            found.append((number, True))
        return found

    # Steering

    async def change(self, remote: RemoteId, settings: RemoteSettings) -> None:
        """Other settings, from the next run on; the place stays. Raises NotFound, AlreadyExists."""

        async def write(tx: Transaction) -> None:
            row = await remotes.get(tx, remote)
            old = msgspec.json.decode(row.settings, type=RemoteSettings)
            if settings.kind != old.kind:
                raise BadRemote("A remote account stays what it is. Add another one.")
            if settings.once != old.once:
                await self._check_room(tx, row.account, settings.once)
            await _store_settings(tx, remote, settings)
            await _put_send_as(tx, row.account, remote, settings)

        await self._store.write(write)

    async def pause(self, remote: RemoteId) -> None:
        """Bring nothing more; a run is stopped soon. Raises NotFound."""
        await self._store.write(
            lambda tx: remotes.steer(tx, remote, RemoteState.PAUSED, None), short=True
        )

    async def resume(self, remote: RemoteId) -> None:
        """Look at it at once, and go on as before. Raises NotFound, BadRemote."""
        now = self._now()

        async def write(tx: Transaction) -> None:
            row = await remotes.get(tx, remote)
            settings = msgspec.json.decode(row.settings, type=RemoteSettings)
            if settings.kind == "file" and not settings.uploaded:
                raise BadRemote("Files are brought over by hand: 'pillarbox import'.")
            await remotes.steer(tx, remote, RemoteState.ACTIVE, now)

        await self._store.write(write, short=True)

    async def remove(self, remote: RemoteId) -> None:
        """It and its history are gone, what it brought stays. Raises NotFound."""
        await self._store.write(lambda tx: remotes.remove(tx, remote), short=True)
        await self.sweep()

    async def sweep(self) -> None:
        """Delete what is left of those that were removed, some rows at a time."""
        while await self._store.write(lambda tx: remotes.sweep(tx, ROWS_AT_ONCE)):
            pass

    def _now(self) -> int:
        return unix_seconds(self._clock.now())


async def _store_settings(tx: Transaction, remote: RemoteId, settings: RemoteSettings) -> None:
    await remotes.set_settings(
        tx, remote, settings.label, _encode(settings), host=_host_of(settings)
    )


async def _put_send_as(
    tx: Transaction, account: AccountId, remote: RemoteId, settings: RemoteSettings
) -> None:
    """Raises BadRemote for an address of ours, whose owner the provider does not know."""
    folded = []
    for address in settings.send_as.addresses if settings.send_as is not None else ():
        local, domain = split_address(address)
        if await accounts.has_domain(tx, domain):
            raise BadRemote(f"{address} is an address of this server: it is sent from here.")
        folded.append(f"{local}@{domain}")
    await send_as.put(tx, account, remote, folded)


def _encode(settings: RemoteSettings) -> str:
    return msgspec.json.encode(settings).decode()


def _host_of(settings: RemoteSettings) -> str:
    """Under which name connections to one server are counted."""
    return settings.server.host.lower() if settings.server is not None else ""


def _place_of(settings: RemoteSettings) -> tuple[str, str, int, str, str]:
    port = settings.server.port if settings.server is not None else 0
    port = 0 if port in _USUAL_PORTS.get(settings.kind, ()) else port
    return settings.kind, _host_of(settings), port, settings.login, settings.path
