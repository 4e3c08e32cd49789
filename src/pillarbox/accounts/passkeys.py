"""Passkeys (W3C Web Authentication): instead of the password, or behind it.

Challenges are signed words, so nothing is kept for people who only look at the sign-in page; one
that was answered is marked and never taken again.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pillarbox.accounts.identity import Identity
from pillarbox.accounts.signer import Signer
from pillarbox.clock import Clock, unix_seconds
from pillarbox.config.browser import BrowserSettings
from pillarbox.errors import AlreadyExists, AuthenticationFailed, LimitReached
from pillarbox.ids import AccountId
from pillarbox.net.secret import Secret
from pillarbox.store import Store, Transaction
from pillarbox.store.database import Reader
from pillarbox.store.model import Account
from pillarbox.store.sql import accounts, spent
from pillarbox.store.sql import second_factors as rows
from pillarbox.store.sql.second_factors import PasskeyRow

_SECONDS = 600  # from the challenge to its answer; a page may wait in the field for long
_MOST_NAME = 100  # characters
_MOST_CREDENTIAL = 1023  # octets; the standard's own limit for the id
_MOST_KEY = 4096  # octets
_ANYBODY = AccountId(0)  # a challenge before it is known who answers


class PasskeyRefused(AuthenticationFailed):
    sentence = "That passkey was not accepted. Try again, or use the password."


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are good: as the browser sees the page."""

    name: str  # host without port
    origin: str  # scheme, host and port


class Passkeys:
    """One for a worker."""

    def __init__(
        self, store: Store, clock: Clock, settings: BrowserSettings, server_key: Secret
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._making = Signer(server_key, clock, "passkey making")
        self._asking = Signer(server_key, clock, "passkey asking")

    async def all(self, account: AccountId) -> list[PasskeyRow]:
        """In the order of their making."""
        return await self._store.read(lambda db: rows.passkeys(db, account))

    async def begin(self, account: AccountId, login: str, site: Site) -> dict[str, Any]:
        """Options for the browser to make one (JSON as `PublicKeyCredentialCreationOptions`)."""
        present = await self.all(account)
        challenge = self._challenge(self._making, account)
        return await asyncio.to_thread(_creation_options, account, login, site, challenge, present)

    async def finish(
        self, account: AccountId, credential: Mapping[str, Any], name: str, site: Site
    ) -> int:
        """Keep a new one; its number. Raises PasskeyRefused, LimitReached, AlreadyExists."""
        challenge = self._answered(self._making, credential, account)
        made = await asyncio.to_thread(_verify_new, credential, challenge, site)
        if len(made.credential) > _MOST_CREDENTIAL or len(made.public_key) > _MOST_KEY:
            raise PasskeyRefused
        new = PasskeyRow(
            account=account,
            number=0,
            credential=made.credential,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=_transports(credential),
            name=_name(name),
            created_at=0,
            last_used_at=None,
        )

        async def work(tx: Transaction) -> int:
            await self._spend(tx, challenge)
            if await rows.count_passkeys(tx, account) >= self._settings.passkeys_per_account:
                raise LimitReached("That is enough of passkeys. Remove one that is not used.")
            if await rows.find_passkey(tx, new.credential) is not None:
                raise AlreadyExists("That passkey is known already.")
            return await rows.add_passkey(tx, new)

        return await self._store.write(work)

    async def remove(self, account: AccountId, number: int) -> None:
        """Raises NotFound."""
        await self._store.write(lambda tx: rows.remove_passkey(tx, account, number))

    async def ask(self, site: Site, account: AccountId | None = None) -> dict[str, Any]:
        """Options for the browser to use one; `account`: only one of that account's."""
        present = await self.all(account) if account is not None else []
        challenge = self._challenge(self._asking, account or _ANYBODY)
        return {
            "challenge": _base64url(challenge),
            "rpId": site.name,
            "timeout": _SECONDS * 1000,
            "userVerification": "preferred" if account is not None else "required",
            "allowCredentials": [
                {
                    "type": "public-key",
                    "id": _base64url(one.credential),
                    "transports": one.transports.split(),
                }
                for one in present
            ],
        }

    async def check(
        self, credential: Mapping[str, Any], site: Site, account: AccountId | None = None
    ) -> Identity:
        """Whose it is. Without an account it stands for password and second step at once, so the
        device must have checked its owner. Raises PasskeyRefused.
        """
        challenge = self._answered(self._asking, credential, account or _ANYBODY)
        found = await self._store.read(lambda db: _find(db, _octets(credential.get("rawId"))))
        if found is None:
            raise PasskeyRefused
        row, owner = found
        if account is not None and row.account != account:
            raise PasskeyRefused
        count = await asyncio.to_thread(
            _verify_use, credential, challenge, site, row, verified=account is None
        )

        async def work(tx: Transaction) -> None:
            await self._spend(tx, challenge)
            await rows.use_passkey(tx, row.credential, count)

        await self._store.write(work)
        return Identity(owner.id, owner.login, f"passkey:{row.number}")

    def _challenge(self, signer: Signer, account: AccountId) -> bytes:
        return signer.sign(account.to_bytes(8) + secrets.token_bytes(16), _SECONDS).encode()

    def _answered(self, signer: Signer, credential: Mapping[str, Any], account: AccountId) -> bytes:
        """The challenge that was answered, if it is one of ours for that account."""
        try:
            told = json.loads(_octets(_response(credential).get("clientDataJSON")))
            challenge = _octets(told["challenge"])
            payload = signer.read(challenge.decode())
        except (ValueError, KeyError, TypeError, RecursionError):
            raise PasskeyRefused from None
        if payload is None or payload[:8] != account.to_bytes(8):
            raise PasskeyRefused
        return challenge

    async def _spend(self, tx: Transaction, challenge: bytes) -> None:
        until = unix_seconds(self._clock.now()) + _SECONDS
        if not await spent.spend(tx, hashlib.sha256(challenge).digest(), until):
            raise PasskeyRefused


@dataclass(frozen=True, slots=True)
class _Made:
    credential: bytes
    public_key: bytes
    sign_count: int


async def _find(db: Reader, credential: bytes) -> tuple[PasskeyRow, Account] | None:
    row = await rows.find_passkey(db, credential)
    if row is None:
        return None
    owner = await accounts.get(db, row.account)
    return (row, owner) if owner.enabled else None


# The package that knows the formats is heavy: it is loaded in a thread, when somebody uses it.


def _creation_options(
    account: AccountId, login: str, site: Site, challenge: bytes, present: list[PasskeyRow]
) -> dict[str, Any]:
    import webauthn
    from webauthn.helpers import structs

    made = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name=site.name,
        user_name=login,
        user_id=_user_handle(account, site),
        challenge=challenge,
        timeout=_SECONDS * 1000,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(id=one.credential) for one in present
        ],
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(made))
    return found


def _verify_new(credential: Mapping[str, Any], challenge: bytes, site: Site) -> _Made:
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused from None
    return _Made(found.credential_id, found.credential_public_key, found.sign_count)


def _verify_use(
    credential: Mapping[str, Any],
    challenge: bytes,
    site: Site,
    row: PasskeyRow,
    *,
    verified: bool,
) -> int:
    """The new count of signatures; `verified`: the device must have checked its owner."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=verified,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused from None
    return int(found.new_sign_count)


def _user_handle(account: AccountId, site: Site) -> bytes:
    """The same for all passkeys of an account at a site, and without any name in it."""
    return hashlib.sha256(b"pillarbox person\0%d\0%b" % (account, site.name.encode())).digest()


def _response(credential: Mapping[str, Any]) -> Mapping[str, Any]:
    found = credential.get("response")
    if not isinstance(found, dict):
        raise PasskeyRefused
    return found


def _octets(text: object) -> bytes:
    """From base64url; b"" for what is none."""
    if not isinstance(text, str) or len(text) > 20_000:
        return b""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _base64url(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode().translate(_URL).rstrip("=")


_URL = str.maketrans("+/", "-_")


def _transports(credential: Mapping[str, Any]) -> str:
    """Only the words of the standard: they come back to browsers."""
    given = _response(credential).get("transports")
    words = given if isinstance(given, list) else []
    return " ".join(word for word in _TRANSPORTS if word in words)


_TRANSPORTS = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")


def _name(given: str) -> str:
    return "".join(filter(str.isprintable, given)).strip()[:_MOST_NAME] or "Passkey"
