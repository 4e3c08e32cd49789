"""Submitted mail is signed with the keys of its author's domain (RFC 6376, RFC 6409 §8)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pillarbox.accounts.names import fold_domain
from pillarbox.errors import BadName
from pillarbox.store.sql import dkim_keys
from pillarbox.telemetry.log import get_logger
from pillarbox.trust.dkim import BadSigningKey, SigningKey, sign

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.message.part import Octets
    from pillarbox.store import Store

log = get_logger("submission")
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
    """Makes the DKIM-Signature fields of a message."""

    def __init__(self, keys: SigningKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

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
            log.error_event("submission.bad_key", exc=True, domain=domain)
            return b""
