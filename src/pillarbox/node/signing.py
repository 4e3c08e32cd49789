"""What follows signing in and out, in every worker: who was let go is dropped, old rows are too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.accounts.ending import Endings
from pillarbox.store.sql import spent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pillarbox.accounts.history import History
    from pillarbox.clock import Clock
    from pillarbox.config.browser import BrowserSettings
    from pillarbox.net.door import Door
    from pillarbox.store import Store
    from pillarbox.store.sql.ended import Ended
    from pillarbox.web.server import WebServer


def make_endings(store: Store, clock: Clock, doors: Iterable[Door], web: WebServer) -> Endings:
    """Connections and event streams of who was let go end within seconds."""
    doors = tuple(doors)

    def drop(one: Ended) -> None:
        web.end_streams_of(one.account, one.credential)
        for door in doors:
            door.let_go(one.account, one.credential)

    return Endings(store, clock, drop)


async def forget_sign_ins(store: Store, settings: BrowserSettings, history: History) -> None:
    """One round of housekeeping."""
    await BrowserSessions(store, store.clock, settings).forget()
    await history.forget()
    await store.write(spent.forget)
