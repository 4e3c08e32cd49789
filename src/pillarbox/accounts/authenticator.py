"""Who is at the other end: passwords, app passwords and SCRAM, with the same answer for everyone.

A name that nobody has costs the same time and gets the same answer as a wrong password.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pillarbox.accounts.app_passwords import app_password_digest, canonical_app_password
from pillarbox.accounts.exchange import Exchange
from pillarbox.accounts.history import Attempt, History
from pillarbox.accounts.identity import Identity, login_of
from pillarbox.accounts.lookup import Known, look_up
from pillarbox.accounts.passwords import PasswordHasher, prepare_password
from pillarbox.accounts.scope import Scope, decode_scopes
from pillarbox.accounts.success_cache import SuccessCache
from pillarbox.accounts.throttle import News, Throttle
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.auth import AuthSettings
from pillarbox.errors import (
    AppPasswordGiven,
    AppPasswordNeeded,
    AuthenticationFailed,
    NotFound,
    Unavailable,
)
from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import UnknownMechanism
from pillarbox.sasl.login import Login
from pillarbox.sasl.mechanism import Mechanism
from pillarbox.sasl.plain import Plain
from pillarbox.sasl.scram import ScramServer
from pillarbox.sasl.scram_keys import (
    SALT_OCTETS,
    ScramHash,
    ScramKeys,
    decode_record,
    derive_record,
    encode_record,
)
from pillarbox.store import Store, Transaction
from pillarbox.store.model import AppPasswordRow
from pillarbox.store.sql import credentials

_SCRAM = {
    "SCRAM-SHA-256": ScramHash.SHA_256,
    "SCRAM-SHA-1": ScramHash.SHA_1,
}
_PLAINTEXT = ("PLAIN", "LOGIN")
_PASSWORD = "password"  # noqa: S105 - the name of a kind of credential
_WEB = "web"  # the door of the pages, in the history


@dataclass(frozen=True, slots=True)
class ScramCandidates:
    """The keys that a name may sign in with, or made-up ones for a name that nobody has."""

    login: str
    salt: bytes
    iterations: int
    keys: Sequence[ScramKeys]
    identities: Sequence[Identity]  # beside `keys`; empty when they are made up
    app_passwords: Sequence[AppPasswordRow | None]
    main_is_not_enough: bool = False  # the account's own password, which is the first


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose own password was right, at the web pages."""

    identity: Identity
    needs_second: bool  # it is not enough


class Authenticator:
    """One for a worker; every door signs people in by it."""

    def __init__(
        self,
        store: Store,
        settings: AuthSettings,
        clock: Clock,
        server_key: Secret,
        *,
        mark_key: Secret | None = None,
        tell: Callable[[News], None] = lambda news: None,
    ) -> None:
        """`mark_key` is one for all workers, in memory only; `tell` takes news for the others."""
        self._store = store
        self._settings = settings
        self._clock = clock
        self._server_key = server_key
        self._hasher = PasswordHasher(settings)
        self.history = History(store, clock, settings.browser)  # close it before the store
        self._note = self.history.note
        self._throttle = Throttle(clock, settings.throttle, tell)
        self.heard = self._throttle.heard  # what another worker told
        self._successes = SuccessCache(
            clock,
            seconds=settings.success_cache_seconds,
            entries=settings.success_cache_entries,
            key=mark_key.reveal() if mark_key is not None else b"",
        )

    def mechanisms(self, *, secure: bool, binding: bool) -> tuple[str, ...]:
        """What to advertise, best first. `secure`: TLS or loopback; `binding`: has bindings."""
        offered: tuple[str, ...] = ()
        if self._settings.scram:
            if binding:
                offered += tuple(f"{name}-PLUS" for name in _SCRAM)
            offered += tuple(_SCRAM)
        return offered + _PLAINTEXT if secure else offered

    def begin(
        self,
        mechanism: str,
        *,
        scope: Scope,
        peer: str,
        secure: bool,
        bindings: Mapping[str, bytes] | None = None,
        journey: str = "",
    ) -> Exchange:
        """Start an exchange by a mechanism's name, any case. Raises UnknownMechanism.

        `journey` is the session's name in the log.
        """
        name = mechanism.upper()
        bindings = bindings or {}
        if name not in self.mechanisms(secure=secure, binding=bool(bindings)):
            raise UnknownMechanism
        longest = self._settings.longest_exchange_line
        return Exchange(self, name, _new_mechanism(name, bindings, longest), scope, peer, journey)

    def login_of(self, username: str) -> str:
        """The login that a user name means."""
        return login_of(username, self._settings.default_domain)

    async def check_password(
        self, username: str, password: Secret, *, scope: Scope, peer: str
    ) -> Identity:
        """Sign in by name and password; raises AuthenticationFailed, Throttled, Unavailable."""
        login = self.login_of(username)
        known, row = await self._look_up(login, password, peer)
        if known is not None and row is not None and self._usable(row, scope):
            identity = _by_app_password(known, row)
            await self._touch(identity, row)
            self._throttle.succeeded(login, peer)
        else:
            identity = await self._check_main(login, known, password, peer, door=scope.value)
            assert known is not None
            if known.second_factor:
                self._main_alone(identity, scope, peer)
        self._note(Attempt(identity.account, scope.value, peer, "", "ok", identity.credential))
        return identity

    async def check_person(
        self, login: str, password: Secret, *, peer: str, agent: str = ""
    ) -> Person:
        """For the web pages: the account's own password only; `login` is a folded one.

        Raises AuthenticationFailed, AppPasswordGiven, Throttled, Unavailable.
        """
        known, row = await self._look_up(login, password, peer)
        if row is not None:
            raise AppPasswordGiven
        identity = await self._check_main(login, known, password, peer, door=_WEB, agent=agent)
        assert known is not None
        outcome: Literal["ok", "second"] = "second" if known.second_factor else "ok"
        self._note(Attempt(identity.account, _WEB, peer, agent, outcome, identity.credential))
        return Person(identity, known.second_factor)

    async def _look_up(
        self, login: str, password: Secret, peer: str
    ) -> tuple[Known | None, AppPasswordRow | None]:
        """The account, and its app password that this is, after the throttle."""
        await self._throttle.before(login, peer)
        if len(password.reveal()) > self._settings.longest_password:
            raise AuthenticationFailed
        canonical = canonical_app_password(password)
        known = await self._store.read(lambda db: look_up(db, login, apps=canonical is not None))
        if canonical is not None and known is not None:
            digest = app_password_digest(known.account.id, canonical)
            for row in known.app_passwords:
                if hmac.compare_digest(row.digest, digest):
                    return known, row
        return known, None

    def _main_alone(self, identity: Identity, scope: Scope, peer: str) -> None:
        """Programs cannot be asked for a second step. Raises AppPasswordNeeded."""
        if self._settings.browser.app_password_for_programs:
            told = identity.credential
            self._note(Attempt(identity.account, scope.value, peer, "", "second", told))
            raise AppPasswordNeeded

    async def _check_main(
        self,
        login: str,
        known: Known | None,
        password: Secret,
        peer: str,
        *,
        door: str,
        agent: str = "",
    ) -> Identity:
        """The account's own password: from the memory of right ones, else by argon2id."""
        stored = known.argon2 if known is not None else ""
        prepared = prepare_password(password) or b"\0"  # no password can be a NUL
        mark = self._successes.mark(login, stored, prepared)
        if known is not None and self._successes.knows(mark):
            self._throttle.succeeded(login, peer)
            return _by_password(known)
        right = False
        if not self._throttle.is_known_wrong(login, peer, mark):
            if stored:
                right = await self._hasher.verify(stored, prepared)
            else:
                await self._hasher.spend()
            self._throttle.look_again(login, peer)
        if known is None or not right:
            self._throttle.failed(login, peer, mark)
            if known is not None:
                self._note(Attempt(known.account.id, door, peer, agent, "failed", ""))
            raise AuthenticationFailed
        self._successes.remember(mark)
        self._throttle.succeeded(login, peer)
        if self._hasher.outdated(stored) or (self._settings.scram and not known.scram):
            await self._renew(known, prepared)
        return _by_password(known)

    # SCRAM, called by Exchange

    async def scram_candidates(
        self, username: str, algorithm: ScramHash, *, scope: Scope, peer: str
    ) -> ScramCandidates:
        """Keys for a name, after the throttle. Raises Throttled."""
        login = self.login_of(username)
        await self._throttle.before(login, peer)
        known = await self._store.read(lambda db: look_up(db, login, apps=True))
        main = decode_record(known.scram) if known is not None else None
        if known is None or main is None:
            return await self._made_up(login)
        keys, identities = [main.keys(algorithm)], [_by_password(known)]
        rows: list[AppPasswordRow | None] = [None]
        for row in known.app_passwords:
            record = decode_record(row.scram)
            if (
                record is not None
                and (record.salt, record.iterations) == (main.salt, main.iterations)
                and self._usable(row, scope)
            ):
                keys.append(record.keys(algorithm))
                identities.append(_by_app_password(known, row))
                rows.append(row)
        return ScramCandidates(
            login, main.salt, main.iterations, keys, identities, rows, known.second_factor
        )

    def scram_may_go_on(self, candidates: ScramCandidates, peer: str) -> None:
        """Before a proof is looked at. Raises Throttled."""
        self._throttle.look_again(candidates.login, peer)

    def scram_failed(self, candidates: ScramCandidates, peer: str, scope: Scope) -> None:
        """The proof was wrong."""
        self._throttle.failed(candidates.login, peer)
        if candidates.identities:
            account = candidates.identities[0].account
            self._note(Attempt(account, scope.value, peer, "", "failed", ""))

    async def scram_proved(
        self, candidates: ScramCandidates, index: int, peer: str, scope: Scope
    ) -> Identity:
        """The proof was made with the keys at `index`. Raises AppPasswordNeeded."""
        if not candidates.identities:
            raise AuthenticationFailed
        self._throttle.succeeded(candidates.login, peer)
        identity, row = candidates.identities[index], candidates.app_passwords[index]
        if row is not None:
            await self._touch(identity, row)
        elif candidates.main_is_not_enough:
            self._main_alone(identity, scope, peer)
        self._note(Attempt(identity.account, scope.value, peer, "", "ok", identity.credential))
        return identity

    async def _made_up(self, login: str) -> ScramCandidates:
        """The same salt each time, from every worker; keys that nothing proves.

        The iterations are those of some real account: where the setting was changed once, accounts
        have different ones, and names that nobody has must not all have the newest.
        """
        made = hmac.digest(self._server_key.reveal(), b"scram\0" + login.encode(), "sha256")
        number = int.from_bytes(made[SALT_OCTETS:])
        some = await self._store.read(lambda db: credentials.some_scram(db, number))
        record = decode_record(some)
        iterations = record.iterations if record is not None else self._settings.scram_iterations
        never = ScramKeys(secrets.token_bytes(32), secrets.token_bytes(32))
        return ScramCandidates(login, made[:SALT_OCTETS], iterations, [never], (), ())

    # What is written at a sign-in

    def _usable(self, row: AppPasswordRow, scope: Scope) -> bool:
        now = unix_seconds(self._clock.now())
        return scope in decode_scopes(row.scopes) and (
            row.expires_at is None or now < row.expires_at
        )

    async def _touch(self, identity: Identity, row: AppPasswordRow) -> None:
        """Note the last use, unless that was done lately; never a reason to refuse a person."""
        now = unix_seconds(self._clock.now())
        recently = now - self._settings.last_use_minutes * 60
        if row.last_used_at is not None and row.last_used_at > recently:
            return
        try:
            await self._store.write(
                lambda tx: credentials.touch_app_password(tx, identity.account, row.id, now)
            )
        except (Unavailable, NotFound):
            return

    async def _renew(self, known: Known, prepared: bytes) -> None:
        """Bring an old hash to today's costs and add SCRAM's keys where they are missing.

        Not when the password was changed meanwhile; and never a reason to refuse a person.
        """
        account, old = known.account.id, known.argon2
        try:
            fresh = await self._hasher.hash(prepared)
            scram = known.scram
            if self._settings.scram and not scram:
                salt = secrets.token_bytes(SALT_OCTETS)
                record = await self._hasher.run(
                    derive_record, prepared, salt, self._settings.scram_iterations
                )
                scram = encode_record(record)

            async def replace(tx: Transaction) -> None:
                row = await credentials.password(tx, account)
                if row is not None and row.argon2 == old:
                    await credentials.set_password(tx, account, fresh, scram)

            await self._store.write(replace)
        except Unavailable:
            return

    def close(self) -> None:
        """Let the hashing threads end."""
        self._hasher.close()


def _by_password(known: Known) -> Identity:
    return Identity(known.account.id, known.account.login, _PASSWORD)


def _by_app_password(known: Known, row: AppPasswordRow) -> Identity:
    return Identity(known.account.id, known.account.login, f"app:{row.id}")


def _new_mechanism(name: str, bindings: Mapping[str, bytes], longest: int) -> Mechanism:
    if name == "PLAIN":
        return Plain()
    if name == "LOGIN":
        return Login()
    plus = name.endswith("-PLUS")
    algorithm = _SCRAM[name.removesuffix("-PLUS")]
    return ScramServer(algorithm, plus=plus, bindings=bindings, longest=longest)
