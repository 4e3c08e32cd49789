"""The one owner of all state: accounts, mailboxes, messages, the queue and what changed."""

from __future__ import annotations

from pillarbox.store.database import Reader, Transaction
from pillarbox.store.store import Store

__all__ = ["Reader", "Store", "Transaction"]
