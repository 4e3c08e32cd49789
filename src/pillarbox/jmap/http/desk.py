"""What all endpoints share: services, who may sign in, and how much of each at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pillarbox.ids import AccountId
from pillarbox.jmap.context import Services
from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.http.sign_in import SignIn
from pillarbox.jmap.push import Watches


class Places:
    """So many at the same moment for each person, in this worker."""

    def __init__(self, most: int, limit: str, sentence: str) -> None:
        """`limit`: its name in the session object, or of a setting of ours."""
        self._most = most
        self._limit = limit
        self._sentence = sentence
        self._taken: dict[AccountId, int] = {}

    def taken(self, account: AccountId) -> int:
        """How many of a person's are in use."""
        return self._taken.get(account, 0)

    @contextmanager
    def take(self, account: AccountId) -> Iterator[None]:
        """A place for the length of the block. Raises RequestRefused."""
        taken = self._taken.get(account, 0)
        if taken >= self._most:
            raise RequestRefused("limit", self._sentence, status=429, limit=self._limit)
        self._taken[account] = taken + 1
        try:
            yield
        finally:
            left = self._taken[account] - 1
            if left:
                self._taken[account] = left
            else:
                del self._taken[account]


class Turns:
    """So many at the same moment for each person; some more wait, the first come first."""

    def __init__(self, most: int, waiting: int, limit: str, sentence: str) -> None:
        self._most = most
        self._all = Places(most + waiting, limit, sentence)
        self._turns: dict[AccountId, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def take(self, account: AccountId, seconds: float) -> AsyncIterator[None]:
        """A turn for the length of the block. Raises RequestRefused where too many wait, and
        TimeoutError when it did not come in time."""
        with self._all.take(account):
            turns = self._turns.setdefault(account, asyncio.Semaphore(self._most))
            try:
                async with asyncio.timeout(seconds):
                    await turns.acquire()
                try:
                    yield
                finally:
                    turns.release()
            finally:
                if self._all.taken(account) == 1:  # by this one alone
                    del self._turns[account]


class Desk:
    """One for a worker."""

    def __init__(self, services: Services, sign_in: SignIn) -> None:
        settings = services.settings
        self.services = services
        self.sign_in = sign_in
        self.watches = Watches()
        self.requests = Turns(
            settings.max_concurrent_requests,
            settings.max_waiting_requests,
            "maxConcurrentRequests",
            "Too many requests at the same moment. Wait for the answers to some.",
        )
        self.uploads = Places(
            settings.max_concurrent_uploads,
            "maxConcurrentUpload",
            "Too many uploads at the same moment. Wait for the end of some.",
        )
        self.streams = Places(
            settings.max_event_streams,
            "maxEventStreams",
            "Too many connections wait for changes. Close some; one for each program is enough.",
        )
