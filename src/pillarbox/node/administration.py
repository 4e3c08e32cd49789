"""The data folder opened for administration, beside a running server or without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.clock import SystemClock
from pillarbox.config.settings import Settings
from pillarbox.store import Store
from pillarbox.store.open import open_store


@dataclass(frozen=True, slots=True)
class Opened:
    """What administration works with."""

    settings: Settings
    store: Store
    admin: AccountAdmin


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """The store and the accounts; makes the data folder if need be."""
    store = await open_store(settings.store, SystemClock())
    admin = AccountAdmin(store, settings.auth)
    try:
        yield Opened(settings, store, admin)
    finally:
        admin.close()
        await store.close()
