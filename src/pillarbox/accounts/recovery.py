"""Ways back into an account for who forgot the password. What is sent, others send.

Tokens have 256 bits and are kept as SHA-256; codes on paper have 58 and are kept like passwords.
Nothing here tells whether somebody exists: callers answer everybody alike.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import msgspec

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.app_passwords import ALPHABET
from pillarbox.accounts.ending import let_go
from pillarbox.accounts.password_quality import check_quality
from pillarbox.accounts.throttle import Throttle
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.auth import ThrottleSettings
from pillarbox.config.recovery import RecoverySettings
from pillarbox.errors import NotFound, Throttled
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.model import Account
from pillarbox.store.sql import accounts, credentials, recovery
from pillarbox.store.sql.recovery import Recovery

CODES = 10
_CODE_GROUPS, _CODE_GROUP = 3, 4  # 12 characters of 31: 59 bits
_CODE = re.compile(rf"([1-9][0-9]?)([{ALPHABET}]{{{_CODE_GROUPS * _CODE_GROUP}}})")
_PROOF_DIGITS = 8
_MOST_LOGIN = 320  # characters that a pause is remembered by
_HOUR, _DAY = 3600, 86_400


@dataclass(frozen=True, slots=True)
class RecoveryState:
    """What somebody has prepared."""

    address: str | None
    since: int
    pending: str
    codes_left: int


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A new recovery address was proved, or there is none; the former one may take that back."""

    address: str
    former: str
    undo: Secret | None


class Recovering:
    """One for a worker."""

    def __init__(
        self,
        store: Store,
        admin: AccountAdmin,
        clock: Clock,
        settings: RecoverySettings,
        throttle: ThrottleSettings | None = None,
    ) -> None:
        """`throttle`: how guessing codes on paper is made slow."""
        self._throttle = Throttle(clock, throttle or ThrottleSettings())
        self._store = store
        self._admin = admin
        self._clock = clock
        self.settings = settings

    # What people prepare while they are signed in

    async def state(self, account: AccountId) -> RecoveryState:
        """Of an account."""
        given = await self._store.read(lambda db: recovery.get(db, account))
        codes = await self._store.read(lambda db: recovery.codes(db, account))
        return RecoveryState(given.address, given.since, given.pending, len(codes))

    def new_proof(self) -> str:
        """A code of digits, to be sent to an address."""
        return f"{secrets.randbelow(10**_PROOF_DIGITS):0{_PROOF_DIGITS}}"

    async def remember_proof(
        self, tx: Transaction, account: AccountId, address: str, code: str
    ) -> None:
        """The address waits for this code; the one that is in use stays until then."""
        given = await recovery.get(tx, account)
        waiting = msgspec.structs.replace(
            given, pending=address, code=_code_digest(code), code_at=tx.now(), tries=0
        )
        await recovery.put(tx, account, waiting)

    async def prove(self, account: AccountId, code: str) -> AddressChange:
        """The waiting address is the recovery address now. Raises NotFound: the code is not it."""
        oldest = self._now() - self.settings.code_minutes * 60
        undo = Secret(secrets.token_urlsafe(32))

        async def work(tx: Transaction) -> AddressChange | None:
            given = await recovery.get(tx, account)
            right = given.code is not None and hmac.compare_digest(given.code, _code_digest(code))
            usable = given.tries < self.settings.code_tries and given.code_at > oldest
            if not (given.pending and right and usable):
                await recovery.put(
                    tx, account, msgspec.structs.replace(given, tries=given.tries + 1)
                )
                return None
            former = self._owner(given, tx.now())
            is_change = bool(former) and former != given.pending
            await recovery.put(
                tx,
                account,
                Recovery(
                    address=given.pending,
                    since=tx.now(),
                    former=former if is_change else "",
                    undo=token_digest(undo) if is_change else None,
                ),
            )
            return AddressChange(
                given.pending, former if is_change else "", undo if is_change else None
            )

        done = await self._store.write(work)
        if done is None:
            raise NotFound("That is not the code that was sent, or it is too old. Ask for another.")
        return done

    async def remove_address(self, account: AccountId) -> AddressChange | None:
        """None from now on. None where there was none that could be told."""
        undo = Secret(secrets.token_urlsafe(32))

        async def work(tx: Transaction) -> str:
            former = self._owner(await recovery.get(tx, account), tx.now())
            digest = token_digest(undo) if former else None
            await recovery.put(tx, account, Recovery(since=tx.now(), former=former, undo=digest))
            return former

        former = await self._store.write(work)
        return AddressChange("", former, undo) if former else None

    def _owner(self, given: Recovery, now: int) -> str:
        """Whom to ask about a change: the address before all changes of the last days.

        Else whoever changes it twice, or removes it first, is rid of the one who could object.
        """
        is_settled = given.since <= now - self.settings.wait_hours * _HOUR
        return given.former if given.former and not is_settled else given.address or ""

    async def take_back(self, token: Secret) -> Account | None:
        """The former address did not want the change: it is the recovery address again.

        Everybody is signed out, since somebody else was in. None: the token is good no longer.
        """
        digest = token_digest(token)

        async def work(tx: Transaction) -> Account | None:
            account = await recovery.find_undo(tx, digest)
            if account is None:
                return None
            given = await recovery.get(tx, account)
            await recovery.put(tx, account, Recovery(address=given.former))
            await let_go(tx, account)
            return await accounts.get(tx, account)

        return await self._store.write(work)

    async def new_codes(self, account: AccountId) -> list[Secret]:
        """Ten codes, shown once; the former ones are good no longer."""
        made = [_new_code(number) for number in range(1, CODES + 1)]
        hashes = [await self._admin.hasher.hash(_canonical(code)[1]) for code in made]
        await self._store.write(lambda tx: recovery.replace_codes(tx, account, hashes))
        return made

    # The way back

    async def may_wish(self, tx: Transaction, peer: str) -> bool:
        """Whether one more wish is taken; counted alike for known and unknown names."""
        near = await recovery.count(tx, f"net {network_of(peer)}", _HOUR)
        far = await recovery.count(tx, "all", _DAY)
        return near <= self.settings.per_network_and_hour and far <= self.settings.per_day

    async def link_for(self, tx: Transaction, account: AccountId) -> tuple[str, Secret] | None:
        """The recovery address and a link's token, where there is one that is good already."""
        given = await recovery.get(tx, account)
        settled = tx.now() - self.settings.wait_hours * _HOUR
        is_new = bool(given.former) and given.since > settled
        if not self.settings.by_address or not given.address or is_new:
            return None
        times = await recovery.count(tx, f"account {account}", _HOUR)
        if times > self.settings.per_account_and_hour:
            return None
        seconds = self.settings.link_minutes * 60
        return given.address, await self.new_link(tx, account, "address", seconds)

    async def new_link(self, tx: Transaction, account: AccountId, way: str, seconds: int) -> Secret:
        """A token with which a new password may be chosen, once."""
        token = Secret(secrets.token_urlsafe(32))
        await recovery.add_link(tx, token_digest(token), account, way, tx.now() + seconds)
        return token

    async def link_by_code(self, login: str, text: str, peer: str) -> Secret | None:
        """A link's token for who has a code on paper. Raises Throttled; wrong ones make pauses.

        It takes the same time whether the account, its codes, or the number exist or not.
        """
        login = login[:_MOST_LOGIN]
        await self._throttle.before(login, peer)
        token = await self._token_for(login, text, peer)
        if token is None:
            self._throttle.failed(login, peer)
        else:
            self._throttle.succeeded(login, peer)
        return token

    async def _token_for(self, login: str, text: str, peer: str) -> Secret | None:
        read = _parse_code(text)

        async def look(tx: Transaction) -> tuple[bool, Account | None, str]:
            tries = await recovery.count(tx, f"code {login}", _HOUR)
            is_allowed = tries <= self.settings.codes_per_account_and_hour
            is_allowed = await self.may_wish(tx, peer) and is_allowed
            account = await accounts.find(tx, login)
            if account is None or not account.enabled or read is None:
                return is_allowed, None, ""
            return is_allowed, account, (await recovery.codes(tx, account.id)).get(read[0], "")

        is_allowed, account, stored = await self._store.write(look)
        if not is_allowed:
            raise Throttled("Too many tries. Try again in an hour.", seconds=_HOUR)
        if account is None or not stored or read is None or not self.settings.by_code:
            await self._admin.hasher.spend()
            return None
        if not await self._admin.hasher.verify(stored, read[1]):
            return None
        number, owner = read[0], account.id

        async def use(tx: Transaction) -> Secret | None:
            if not await recovery.use_code(tx, owner, number, stored):
                return None
            return await self.new_link(tx, owner, "code", self.settings.link_minutes * 60)

        return await self._store.write(use)

    async def use_code(self, account: AccountId, code: Secret) -> bool:
        """Whether it is one of the account's codes that was good still; it no longer is."""
        read = _parse_code(code.reveal().decode("utf-8", "replace"))
        stored = ""
        if read is not None:
            stored = (await self._store.read(lambda db: recovery.codes(db, account))).get(
                read[0], ""
            )
        if read is None or not stored or not await self._admin.hasher.verify(stored, read[1]):
            return False
        number = read[0]
        return await self._store.write(lambda tx: recovery.use_code(tx, account, number, stored))

    async def find_link(self, token: Secret) -> tuple[recovery.ResetLink, Account] | None:
        """None for a link that was used, is too old, or never was; looking uses nothing up."""
        now = self._now()

        async def look(db: Reader) -> tuple[recovery.ResetLink, Account] | None:
            link = await recovery.find_link(db, token_digest(token), now)
            if link is None:
                return None
            account = await accounts.get(db, link.account)
            return (link, account) if account.enabled else None

        return await self._store.read(look)

    async def choose_password(
        self, token: Secret, password: Secret, *, with_app_passwords: bool
    ) -> Account | None:
        """The link is used up, everybody is signed out. None: it was good no longer.

        Raises WeakPassword; then the link is good still.
        """
        found = await self.find_link(token)
        if found is None:
            return None
        _, account = found
        check_quality(password, account.login, account.name)
        change = await self._admin.password_change(account.id, password)

        async def work(tx: Transaction) -> bool:
            if await recovery.find_link(tx, token_digest(token), tx.now()) is None:
                return False
            await recovery.helped(tx, account.id)
            await change(tx)
            if with_app_passwords:
                for row in await credentials.app_passwords(tx, account.id):
                    await credentials.remove_app_password(tx, account.id, row.id)
            await let_go(tx, account.id)
            return True

        return account if await self._store.write(work) else None

    def _now(self) -> int:
        return unix_seconds(self._clock.now())


def token_digest(token: Secret) -> bytes:
    """What is stored of a link."""
    return hashlib.sha256(b"pillarbox link\0" + token.reveal()).digest()


def network_of(peer: str) -> str:
    """The neighbourhood that shares a limit: IPv4 /24, IPv6 /64."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    return str(ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def masked(address: str) -> str:
    """As it is shown to who may be somebody else: c…@example.net."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _code_digest(code: str) -> bytes:
    digits = re.sub(r"[^0-9]", "", code)
    return hashlib.sha256(b"pillarbox recovery code\0" + digits.encode()).digest()


def _new_code(number: int) -> Secret:
    groups = (
        "".join(secrets.choice(ALPHABET) for _ in range(_CODE_GROUP)) for _ in range(_CODE_GROUPS)
    )
    return Secret(f"{number}-{'-'.join(groups)}")


def _parse_code(text: str) -> tuple[int, bytes] | None:
    """The number on the paper, and what is hashed."""
    plain = re.sub(r"[\s-]", "", text.lower())
    found = _CODE.fullmatch(plain)
    return (int(found[1]), found[2].encode()) if found else None


def _canonical(code: Secret) -> tuple[int, bytes]:
    parsed = _parse_code(code.reveal().decode())
    assert parsed is not None
    return parsed
