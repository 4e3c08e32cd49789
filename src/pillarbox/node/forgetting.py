"""Housekeeping of what sending leaves behind: counts of past days, senders of forwarded mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.store.sql import forwarding, sending

if TYPE_CHECKING:
    from pillarbox.store import Store, Transaction

_COUNTS_DAYS = 7  # nobody asks for older ones
_SENDERS_DAYS = 30  # other servers try for five days, and their reports take their time


async def forget_sending(store: Store) -> None:
    """One round."""

    async def forget(tx: Transaction) -> None:
        await sending.forget(tx, _COUNTS_DAYS)
        await forwarding.forget(tx, _SENDERS_DAYS)

    await store.write(forget)
