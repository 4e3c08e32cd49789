"""Who asks for a word of a browser that is signed in: told to those that listen, to no other."""

from __future__ import annotations

from pillarbox.accounts.identity import Identity
from pillarbox.clock import from_unix_seconds, unix_seconds
from pillarbox.jmap.method import Answer
from pillarbox.store import Store
from pillarbox.store.sql import approvals
from pillarbox.store.sql.approvals import Ask

_SESSION = "session:"  # of `Identity.credential`: mail programs are not asked


class ApprovalNews:
    """Of one account, to one listener."""

    def __init__(self, store: Store, identity: Identity) -> None:
        self._store = store
        self._account = identity.account
        self._may_answer = identity.credential.startswith(_SESSION)
        self._told: list[Ask] = []

    async def read(self) -> list[Answer] | None:
        """Every open question, if they are others than the last time; else None."""
        if not self._may_answer:
            return None
        now = unix_seconds(self._store.clock.now())
        asks = await self._store.read(lambda db: approvals.open_asks(db, self._account, now))
        if asks == self._told:
            return None
        self._told = asks
        return [_record(ask, now) for ask in asks]


def _record(ask: Ask, now: int) -> Answer:
    return {
        "id": str(ask.id),
        "at": from_unix_seconds(ask.asked_at).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": ask.ends_at - now,  # the listener's clock may be wrong
        "peer": ask.peer,
        "agent": ask.agent,
        "numbers": list(ask.offered),
    }
