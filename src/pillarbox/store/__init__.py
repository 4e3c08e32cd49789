"""The one owner of all state: accounts, mailboxes, messages, the queue and what changed."""

from __future__ import annotations

from pillarbox.store.database import Reader, Transaction
from pillarbox.store.store import SHORT_WRITE, Store

__all__ = ["SHORT_WRITE", "Reader", "Store", "Transaction"]
