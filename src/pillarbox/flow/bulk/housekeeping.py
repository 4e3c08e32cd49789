"""Now and then: the trash and the junk are emptied of what is old, old operations are forgotten."""

from __future__ import annotations

from functools import partial

from pillarbox.clock import unix_seconds
from pillarbox.config.bulk import BulkSettings
from pillarbox.errors import NoSuchMailbox
from pillarbox.ids import AccountId
from pillarbox.store import Store
from pillarbox.store.model import Role
from pillarbox.store.sql import bulk, discarded
from pillarbox.store.sql.discarded import Discarded
from pillarbox.telemetry.log import get_logger

log = get_logger("bulk")

_DAY = 86_400
_ACCOUNTS_AT_ONCE = 500
_MESSAGES_AT_ONCE = 200  # in one transaction: deliveries wait for it
_MOST_STEPS = 1000  # of one mailbox in one round; the rest is done in the next
_OPERATIONS_AT_ONCE = 100
_ROWS_AT_ONCE = 2000
_REST_SECONDS = 0.02  # between two steps


async def empty_trash_and_junk(store: Store, settings: BulkSettings) -> None:
    """One round. What is destroyed can be restored for `store.retention_days` more."""
    for role, days in ((Role.TRASH, settings.trash_days), (Role.JUNK, settings.junk_days)):
        if not days:
            continue
        before = unix_seconds(store.clock.now()) - days * _DAY
        after = AccountId(0)
        while True:
            read = partial(discarded.mailboxes_of, role=role, after=after, limit=_ACCOUNTS_AT_ONCE)
            found = await store.scan(read)
            for one in found:
                after = one.account
                if await store.read(partial(discarded.has_old, one=one, before=before)):
                    await _empty(store, one, before)
            if len(found) < _ACCOUNTS_AT_ONCE:
                break


async def _empty(store: Store, one: Discarded, before: int) -> None:
    step = partial(discarded.discard, one=one, before=before, at_most=_MESSAGES_AT_ONCE)
    try:
        for _ in range(_MOST_STEPS):
            if not await store.write(step, patient=True):
                return
            await store.clock.sleep(_REST_SECONDS)
    except NoSuchMailbox:
        log.event("bulk.mailbox_gone", account=one.account)


async def forget_operations(store: Store, settings: BulkSettings) -> None:
    """One round: those that can no longer be undone."""
    before = unix_seconds(store.clock.now()) - settings.undo_days * _DAY
    found = await store.scan(lambda db: bulk.old(db, before, _OPERATIONS_AT_ONCE))
    for account, number in found:
        forget = partial(bulk.forget, account=account, number=number, at_most=_ROWS_AT_ONCE)
        while not await store.write(forget, patient=True):
            await store.clock.sleep(_REST_SECONDS)
