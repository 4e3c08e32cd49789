"""Passwords that were right a short while ago, known again without argon2id.

Only an HMAC under a key that dies with the server is kept. An entry names the stored hash that it
was verified against, so a changed password is never let in by an old entry.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict

from pillarbox.clock import Clock
from pillarbox.ids import AccountId


class SuccessCache:
    """Bounded; the least recently used entry goes first."""

    def __init__(self, clock: Clock, *, seconds: float, entries: int, key: bytes = b"") -> None:
        """`key` is the same at all workers of a server's run; b"": this process is alone."""
        self._clock = clock
        self._seconds = seconds
        self._most = entries
        self._key = key or secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def mark(self, who: AccountId | str, stored: str, password: bytes) -> bytes:
        """What stands for this password tried against this stored hash."""
        head = f"{who}\0{stored}\0".encode()
        return hmac.digest(self._key, head + password, "sha256")

    def knows(self, mark: bytes) -> bool:
        """Whether it was right within the last `seconds`."""
        until = self._until.get(mark)
        if until is None:
            return False
        if until < self._clock.monotonic():
            del self._until[mark]
            return False
        self._until.move_to_end(mark)
        return True

    def remember(self, mark: bytes) -> None:
        """It was right just now."""
        self._until[mark] = self._clock.monotonic() + self._seconds
        self._until.move_to_end(mark)
        if len(self._until) > self._most:
            self._until.popitem(last=False)
