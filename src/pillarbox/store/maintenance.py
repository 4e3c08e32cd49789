"""What the store does for itself now and then: ends retention, gives room back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.database import ReadFunction, Transaction, WriteFunction
from pillarbox.store.sql import retention

T = TypeVar("T")
_DAY = 86400
TOMBSTONES_AT_ONCE = 5_000  # in one transaction: deliveries wait for it
ForgetTexts = Callable[[AccountId, list[MessageId]], Awaitable[None]]


class Maintained(msgspec.Struct, frozen=True, kw_only=True):
    """What one round of maintenance did; all 0 when another process was at it."""

    tombstones_of: int = 0  # mailboxes whose tombstones were pruned
    messages: int = 0
    blobs: int = 0
    blob_octets: int = 0
    segments: int = 0  # deleted


class Rows(Protocol):
    """The part of an engine that maintenance needs."""

    async def scan(self, function: ReadFunction[T]) -> T:
        """One long snapshot."""

    async def write(self, function: WriteFunction[T]) -> T:
        """One transaction."""


async def end_retention(
    engine: Rows, now: int, retention_days: int, forget_texts: ForgetTexts
) -> Maintained:
    """Delete what has been expunged for longer than the retention. Short transactions each."""
    before = now - retention_days * _DAY
    mailboxes = await engine.scan(lambda db: retention.expired(db, before))
    deleted = 0
    touched: set[AccountId] = set()
    for one in mailboxes:
        more = True
        while more:
            more, gone = await engine.write(partial(_end, one=one, before=before))
            await forget_texts(one.account, gone)
            deleted += len(gone)
            if gone:
                touched.add(one.account)
    for account in sorted(touched):
        await engine.write(partial(retention.forget_threads, account=account))
    await engine.write(lambda tx: retention.forget_mailboxes(tx, before))
    lengths = await engine.write(retention.forget_blobs)
    return Maintained(
        tombstones_of=len(mailboxes),
        messages=deleted,
        blobs=len(lengths),
        blob_octets=sum(lengths),
    )


async def _end(
    tx: Transaction, one: retention.Expired, before: int
) -> tuple[bool, list[MessageId]]:
    """One step of a mailbox: whether there may be more, and the messages that were deleted."""
    told = await retention.prune(tx, one, before, TOMBSTONES_AT_ONCE)
    gone = await retention.delete_messages(tx, one.account, sorted(set(told)))
    return len(told) == TOMBSTONES_AT_ONCE, gone
