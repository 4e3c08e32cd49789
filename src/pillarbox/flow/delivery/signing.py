"""Our signatures: DKIM on what our people write, ARC on what we send on (RFC 6376, RFC 8617)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from pillarbox.accounts.names import fold_domain
from pillarbox.errors import BadName
from pillarbox.store.sql import dkim_keys
from pillarbox.telemetry.log import get_logger
from pillarbox.trust.arc import seal
from pillarbox.trust.dkim import BadSigningKey, SigningKey, sign

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.message.part import Octets
    from pillarbox.store import Store
    from pillarbox.trust.arc import ArcResult

log = get_logger("delivery")
_SIGN_IN_THREAD_FROM = 256 * 1024  # octets: a millisecond of hashing, which others would wait


class SigningKeys:
    """The keys that sign now, read anew each time: a rotation counts at once everywhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_domain(self, domain: str) -> list[SigningKey]:
        """Empty for a domain that has none, or is no domain."""
        try:
            folded = fold_domain(domain)
        except BadName:
            return []
        rows = await self._store.read(lambda db: dkim_keys.signing(db, folded))
        return [
            SigningKey(
                row.domain,
                row.selector,
                "rsa-sha256" if row.algorithm == "rsa-sha256" else "ed25519-sha256",
                row.secret,
            )
            for row in rows
        ]


class Signer:
    """Makes the fields; the keys are those of the author's or the forwarding domain."""

    def __init__(self, keys: SigningKeys, clock: Clock, hostname: str) -> None:
        self._keys = keys
        self._clock = clock
        self._hostname = hostname

    async def has_key(self, domain: str) -> bool:
        """Whether the domain's mail is signed."""
        return bool(await self._keys.of_domain(domain))

    async def sign(self, domain: str, octets: Octets, size: int) -> bytes:
        """Fields to stand in front; b"" where the domain has no key, or a broken one."""
        keys = await self._keys.of_domain(domain)
        if not keys:
            return b""
        now = self._clock.now()
        try:
            if size < _SIGN_IN_THREAD_FROM:
                return sign(octets, size, keys, now)
            return await asyncio.to_thread(sign, octets, size, keys, now)
        except BadSigningKey:
            log.error_event("delivery.bad_key", exc=True, domain=domain)
            return b""

    async def seal(
        self, domain: str, octets: Octets, size: int, findings: str, chain: ArcResult
    ) -> bytes:
        """The ARC set of a message that goes on; b"" where the domain has no RSA key.

        RFC 8617 §4.1.4 knows no other algorithm than DKIM's first.
        """
        keys = [key for key in await self._keys.of_domain(domain) if key.algorithm == "rsa-sha256"]
        if not keys:
            return b""
        now = self._clock.now()
        make = partial(seal, octets, size, findings, chain, keys[0], self._hostname, now)
        try:
            return make() if size < _SIGN_IN_THREAD_FROM else await asyncio.to_thread(make)
        except BadSigningKey:
            log.error_event("delivery.bad_key", exc=True, domain=domain)
            return b""
