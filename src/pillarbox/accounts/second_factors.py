"""The second step behind the password: codes of an authenticator program, and recovery codes.

Whoever guesses codes has the password already, so wrong ones count for the account itself, in the
database, whatever network they come from: after a few each doubles a pause.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal

from pillarbox.accounts import totp
from pillarbox.accounts.vault import Vault, VaultClosed
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.browser import BrowserSettings
from pillarbox.errors import AlreadyExists, AuthenticationFailed, NotAllowed, NotFound, Throttled
from pillarbox.ids import AccountId, RemoteId
from pillarbox.net.secret import Secret
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import second_factors as rows
from pillarbox.store.sql.second_factors import SecondFactorRow
from pillarbox.telemetry.log import get_logger

log = get_logger("accounts")
_OWN = RemoteId(0)  # in the vault: what belongs to the account itself and to no remote one
_FIRST_PAUSE_SECONDS = 30
_LONGEST_DOUBLING = 20  # keeps 2**n small; the setting caps the result anyway

UseRecoveryCode = Callable[[AccountId, Secret], Awaitable[bool]]
By = Literal["totp", "recovery"]


class WrongCode(AuthenticationFailed):
    sentence = "That code is wrong, or was used already. Take the newest one."


class SecondFactors:
    """One for a worker."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        clock: Clock,
        settings: BrowserSettings,
        use_recovery_code: UseRecoveryCode | None = None,
    ) -> None:
        """`use_recovery_code` uses a printed code up; False: it is none."""
        self._store = store
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._use_recovery_code = use_recovery_code

    async def of(self, account: AccountId) -> SecondFactorRow:
        """What is on."""
        return await self._store.read(lambda db: rows.find(db, account))

    async def begin_totp(self, account: AccountId) -> Secret:
        """A secret for an authenticator program; not asked for yet. Raises AlreadyExists."""
        secret = totp.new_secret()
        sealed = self._vault.seal(account, _OWN, secret)
        if not await self._store.write(lambda tx: rows.begin_totp(tx, account, sealed)):
            raise AlreadyExists("Codes are in use already. Turn them off first.")
        return secret

    async def finish_totp(self, account: AccountId, code: str) -> None:
        """The program shows right codes: from now on they are asked for. Raises WrongCode."""
        row = await self.of(account)
        if row.sealed is None or row.confirmed_at is not None:
            raise NotFound("Begin anew.")
        secret = self._vault.open(account, _OWN, sealed := row.sealed)
        step = totp.find_step(secret, _digits(code), self._now(), row.last_step)
        if step is None:
            raise WrongCode
        if not await self._store.write(lambda tx: rows.finish_totp(tx, account, sealed, step)):
            raise NotFound("Begin anew.")

    async def remove_totp(self, account: AccountId) -> None:
        """No codes, and no second step."""
        await self._store.write(lambda tx: rows.remove_totp(tx, account))

    async def require(self, account: AccountId, required: bool) -> None:
        """Ask for the second step, or not. Raises NotAllowed where there is none."""

        async def work(tx: Transaction) -> None:
            row = await rows.find(tx, account)
            if required and not row.has_totp and not await rows.count_passkeys(tx, account):
                raise NotAllowed("Add a passkey or an authenticator program first.")
            await rows.require(tx, account, required)

        await self._store.write(work)

    async def check_code(self, account: AccountId, code: str) -> By:
        """Use up a code of either kind. Raises WrongCode, Throttled."""

        async def look(tx: Transaction) -> bool:
            row = await rows.find(tx, account)
            now = self._now()
            if now < row.next_at:
                raise Throttled(seconds=row.next_at - now)
            step = self._find_step(account, row, code, now) if row.has_totp else None
            if step is not None and await rows.use_step(tx, account, step):
                return True
            await rows.failed(tx, account, now + self._pause(row.failures + 1))
            return False

        if await self._store.write(look):
            return "totp"
        if await self._is_recovery_code(account, code):
            await self.was_right(account)
            return "recovery"
        raise WrongCode

    async def _is_recovery_code(self, account: AccountId, code: str) -> bool:
        if self._use_recovery_code is None or _digits(code):
            return False
        return await self._use_recovery_code(account, Secret(code.strip()))

    async def was_right(self, account: AccountId) -> None:
        """Something else proved who it is: wrong codes are forgotten."""
        await self._store.write(lambda tx: rows.was_right(tx, account))

    def _find_step(
        self, account: AccountId, row: SecondFactorRow, code: str, now: int
    ) -> int | None:
        try:
            secret = self._vault.open(account, _OWN, row.sealed or b"")
        except VaultClosed:  # recovery codes and passkeys still work
            log.error_event("accounts.totp_key_lost", account=account)
            return None
        return totp.find_step(secret, _digits(code), now, row.last_step)

    def _pause(self, failures: int) -> int:
        over = failures - self._settings.code_free_failures
        if over < 0:
            return 0
        seconds = _FIRST_PAUSE_SECONDS << min(over, _LONGEST_DOUBLING)
        return min(seconds, self._settings.code_longest_pause_minutes * 60)

    def _now(self) -> int:
        return unix_seconds(self._clock.now())


async def reseal_totp(store: Store, vault: Vault) -> None:
    """All secrets under the vault's newest key, before the others are dropped."""
    for account, old in await store.read(rows.all_sealed):
        try:
            new = vault.reseal(account, _OWN, old)
        except VaultClosed:
            continue  # lost before: a code from paper, a passkey or an administrator helps
        if new is not None:
            await store.write(partial(rows.reseal, account=account, old=old, new=new))


def _digits(code: str) -> str:
    """The code as it was shown; "" for what cannot be one."""
    text = "".join(code.split())
    return text if len(text) == totp.DIGITS and text.isascii() and text.isdecimal() else ""
