"""Changes of an account as StateChange objects, a few a second at most (RFC 8620 §7.1).

The feed wakes us after each commit of any process; what comes within the pause is told together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pillarbox.accounts.identity import Identity
from pillarbox.errors import NoSuchAccount
from pillarbox.ids import AccountId, ModSeq
from pillarbox.jmap.ids import account_id, state_of
from pillarbox.jmap.registry import METHODS
from pillarbox.store import Store
from pillarbox.store.sql import changes

PAUSE_SECONDS = 0.25  # between two pushes: a client that refetches at each does so 4 times a second
_DELIVERY = "EmailDelivery"  # new mail only (RFC 8621 §1.5)
_MAIL_TYPES = frozenset({"Email", "Mailbox", "Thread", _DELIVERY})


def push_types() -> frozenset[str]:
    """Every type that changes are told of."""
    known = {name.partition("/")[0] for name in METHODS if name.endswith("/changes")}
    return _MAIL_TYPES | known


class Watch:
    """One client's subscription to one account; close it."""

    def __init__(
        self, store: Store, account: AccountId, types: frozenset[str], known: ModSeq | None = None
    ) -> None:
        """`known`: the state that the client saw last; None: the present one."""
        self._store = store
        self._account = account
        self._types = types
        self._known = known
        self._delivered: int | None = None
        self._told_at = -PAUSE_SECONDS
        self._news = asyncio.Event()
        self._subscription = store.feed.subscribe(account, self._woken)
        self.closed = False

    async def begin(self) -> None:
        """Before the first `next`."""
        modseq, delivered = await self._look()
        if self._known is None:
            self._known = modseq
        elif self._known != modseq:
            self._news.set()
        self._delivered = delivered

    async def next(self, seconds: float) -> tuple[ModSeq, dict[str, Any]] | None:
        """The next change with the state that it led to; None: none came in so long, or closed."""
        clock = self._store.clock
        while True:
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return None
            pause = self._told_at + PAUSE_SECONDS - clock.monotonic()
            if pause > 0:
                await clock.sleep(pause)
            self._news.clear()
            told = None if self.closed else await self._changed()
            if told is not None:
                self._told_at = clock.monotonic()
                return told
            if self.closed:
                return None

    def close(self) -> None:
        """Wake no more; who waits in `next` gets None."""
        self.closed = True
        self._subscription.cancel()
        self._news.set()

    def _woken(self, modseq: ModSeq) -> None:
        self._news.set()

    async def _changed(self) -> tuple[ModSeq, dict[str, Any]] | None:
        modseq, delivered = await self._look()
        if modseq == self._known:
            return None
        types = set(self._types)
        if delivered == self._delivered:
            types.discard(_DELIVERY)
        self._known, self._delivered = modseq, delivered
        if not types:
            return None
        states = {name: state_of(modseq) for name in sorted(types - {_DELIVERY})}
        if _DELIVERY in types:
            states[_DELIVERY] = str(delivered)
        changed = {account_id(self._account): states}
        return modseq, {"@type": "StateChange", "changed": changed}

    async def _look(self) -> tuple[ModSeq, int]:
        """The account's state, and how many messages it ever got. The end for a removed one."""
        try:
            return await self._store.read(lambda db: changes.heads(db, self._account))
        except NoSuchAccount:
            self.close()
            return self._known or ModSeq(0), self._delivered or 0


class Watches:
    """All of a worker, so that they can be ended together."""

    def __init__(self) -> None:
        self._open: dict[Watch, Identity] = {}
        self._ended = False

    def add(self, watch: Watch, identity: Identity) -> Callable[[], None]:
        """Whose it is; returns what to call at its end."""
        self._open[watch] = identity
        if self._ended:
            watch.close()

        def remove() -> None:
            watch.close()
            self._open.pop(watch, None)

        return remove

    def end_of(self, account: AccountId, credential: str | None) -> None:
        """Close those that a credential opened which was withdrawn; None: all of the account."""
        for watch, identity in tuple(self._open.items()):
            is_meant = credential is None or identity.credential == credential
            if identity.account == account and is_meant:
                watch.close()

    def end(self) -> None:
        """Close all; their clients connect again, to another worker."""
        self._ended = True
        for watch in tuple(self._open):
            watch.close()
