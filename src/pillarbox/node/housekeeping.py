"""Everything that is done now and then, beside the store's own housekeeping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from pillarbox.accounts.directory import Directory
from pillarbox.config.loading import hostname_of
from pillarbox.flow.bulk.housekeeping import empty_trash_and_junk, forget_operations
from pillarbox.flow.delivery.letters import Letters
from pillarbox.node.forgetting import (
    forget_links,
    forget_sending,
    forget_submissions,
    forget_uploads,
)
from pillarbox.node.rounds import delete_old_mail, forget_ways_back, warn_of_quotas
from pillarbox.node.sending import keep_queue

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.config.settings import Settings
    from pillarbox.store import Store

Round = Callable[[], Awaitable[None]]


def rounds_of(store: Store, settings: Settings, clock: Clock) -> list[Round]:
    """In the order in which they are done; each is bounded, and safe in several workers at once."""
    letters = Letters(store, Directory(store), hostname=hostname_of(settings), clock=clock)
    return [
        partial(empty_trash_and_junk, store, settings.bulk),
        partial(forget_operations, store, settings.bulk),
        partial(keep_queue, store, settings.queue, clock),
        partial(forget_sending, store),
        partial(forget_submissions, store, settings.submission.keep_days),
        partial(forget_uploads, store, settings.jmap.upload_hours),
        partial(forget_links, store),
        partial(delete_old_mail, store),
        partial(forget_ways_back, store),
        partial(warn_of_quotas, store, letters),
    ]
