"""Housekeeping of what sending and uploading leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.clock import unix_seconds
from pillarbox.store.sql import forwarding, links, sending, sending_gone, submissions, uploads

if TYPE_CHECKING:
    from pillarbox.store import Store, Transaction

_DAY = 86_400
_COUNTS_DAYS = 7  # nobody asks for older ones
_UPLOADS_AT_ONCE = 500  # in one transaction: deliveries wait for it
_SUBMISSIONS_AT_ONCE = 500  # the same
_LINKS_AT_ONCE = 500  # the same
_GONE_DAYS = 90  # a client that was away for longer asks anew
_SENDERS_DAYS = 30  # other servers try for five days, and their reports take their time


async def forget_sending(store: Store) -> None:
    """One round."""

    async def forget(tx: Transaction) -> None:
        await sending.forget(tx, _COUNTS_DAYS)
        await forwarding.forget(tx, _SENDERS_DAYS)

    await store.write(forget)


async def forget_uploads(store: Store, hours: int) -> None:
    """One round: what was uploaded longer ago and became no message."""
    before = unix_seconds(store.clock.now()) - hours * 3600
    gone = _UPLOADS_AT_ONCE
    while gone == _UPLOADS_AT_ONCE:
        gone = await store.write(lambda tx: uploads.forget(tx, before, _UPLOADS_AT_ONCE))


async def forget_links(store: Store) -> None:
    """One round: files behind links that have ended."""
    gone = _LINKS_AT_ONCE
    while gone == _LINKS_AT_ONCE:
        gone = await store.write(lambda tx: links.forget(tx, _LINKS_AT_ONCE))


async def forget_submissions(store: Store, days: int) -> None:
    """One round: what was sent over JMAP longer ago; what still waits is kept."""
    now = unix_seconds(store.clock.now())
    before = now - days * _DAY
    gone = _SUBMISSIONS_AT_ONCE
    while gone == _SUBMISSIONS_AT_ONCE:
        gone = await store.write(lambda tx: submissions.forget(tx, before, _SUBMISSIONS_AT_ONCE))
    await store.write(lambda tx: sending_gone.forget(tx, now - _GONE_DAYS * _DAY))
