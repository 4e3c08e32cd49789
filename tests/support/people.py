"""A store on disk with two accounts, and quick password hashing, for tests above the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock
from pillarbox.config.auth import AuthSettings
from pillarbox.config.store import StoreSettings
from pillarbox.net.secret import Secret
from pillarbox.store import Store
from pillarbox.store.model import Account
from pillarbox.store.open import open_store
from support.fake_clock import FakeClock

QUICK = AuthSettings(argon2_passes=1, argon2_memory_kib=64, scram_iterations=4096)
ALICE_PASSWORD = "alice's pass phrase"
BOB_PASSWORD = "bob's pass phrase"


@dataclass
class People:
    """alice@example.org and bob@example.org and what signs them in."""

    store: Store
    admin: AccountAdmin
    authenticator: Authenticator
    directory: Directory
    clock: Clock
    alice: Account
    bob: Account


@asynccontextmanager
async def people(
    folder: Path, settings: AuthSettings = QUICK, clock: Clock | None = None
) -> AsyncIterator[People]:
    """Open a fresh store in `folder` and fill it."""
    clock = clock or FakeClock()
    store = await open_store(StoreSettings(data_dir=str(folder)), clock)
    admin = AccountAdmin(store, settings)
    authenticator = Authenticator(store, settings, clock, Secret(b"k" * 32))
    try:
        alice = await admin.create_account(
            "alice@example.org", Secret(ALICE_PASSWORD), "Alice", add_domain=True
        )
        bob = await admin.create_account("bob@example.org", Secret(BOB_PASSWORD), "Bob")
        yield People(store, admin, authenticator, Directory(store), clock, alice, bob)
    finally:
        admin.close()
        authenticator.close()
        await store.close()
