"""argon2id in threads: costly on purpose, so bounded in how much of it goes on at once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from pillarbox.config.auth import AuthSettings
from pillarbox.errors import Unavailable
from pillarbox.net.secret import Secret
from pillarbox.sasl.saslprep import ProhibitedCharacter, saslprep

P = ParamSpec("P")
T = TypeVar("T")


def prepare_password(password: Secret) -> bytes | None:
    """The octets that are hashed, the same for PLAIN and SCRAM; None: no password can be this."""
    octets = password.reveal()
    try:
        return saslprep(octets.decode()).encode() or None
    except (UnicodeDecodeError, ProhibitedCharacter):
        return None


class PasswordHasher:
    """Hashes and verifies; at most `concurrent_verifications` at once, a bounded queue behind."""

    def __init__(self, settings: AuthSettings) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=1,
            type=argon2.Type.ID,
        )
        self._pool = ThreadPoolExecutor(
            settings.concurrent_verifications, thread_name_prefix="argon2"
        )
        self._most = settings.concurrent_verifications + settings.waiting_verifications
        self._under_way = 0

    async def hash(self, prepared: bytes) -> str:
        """A new hash with a salt of its own."""
        return await self.run(self._hasher.hash, prepared)

    async def verify(self, stored: str, prepared: bytes) -> bool:
        """Whether the password is the one that was hashed; False, too, for a damaged hash."""
        return await self.run(self._verify, stored, prepared)

    async def spend(self) -> None:
        """Take the time of a verification, for a name that nobody has."""
        await self.run(self._hasher.hash, secrets.token_bytes(8))

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other costs than those of the settings."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return False

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run slow key work in the pool. Raises Unavailable when too much waits already."""
        if self._under_way >= self._most:
            raise Unavailable("Too many people are signing in just now. Try again in a moment.")
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, prepared: bytes) -> bool:
        try:
            return self._hasher.verify(stored, prepared)
        except (VerificationError, InvalidHashError):
            return False
