"""What all endpoints share: services, who may sign in, and how much of each at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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


class Desk:
    """One for a worker."""

    def __init__(self, services: Services, sign_in: SignIn) -> None:
        settings = services.settings
        self.services = services
        self.sign_in = sign_in
        self.watches = Watches()
        self.requests = Places(
            settings.max_concurrent_requests,
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
