"""Cleaned messages that were shown lately, as many as fit."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from pillarbox.ids import AccountId
from pillarbox.web.bodies.job import Cleaned

_ENTRY_OCTETS = 1024  # of an entry beside its texts


@dataclass(frozen=True, slots=True)
class Key:
    """What the outcome depends on; a blob id's octets never change."""

    account: AccountId
    blob_id: str
    whole: bool
    as_text: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What is kept of one."""

    cleaned: Cleaned
    marker: str
    is_truncated: bool

    @property
    def octets(self) -> int:
        """About so many in memory."""
        cleaned = self.cleaned
        letters = len(cleaned.markup) + len(cleaned.styles) + sum(map(len, cleaned.remote))
        return letters + _ENTRY_OCTETS


class Cache:
    """One for a worker; the ones seen least lately go first."""

    def __init__(self, most_octets: int) -> None:
        self._most = most_octets
        self._octets = 0
        self._kept: OrderedDict[Key, Shown] = OrderedDict()

    def find(self, key: Key) -> Shown | None:
        """None: it was never there, or went."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, shown: Shown) -> None:
        """A message that would fill the cache by itself is not kept."""
        if shown.octets > self._most // 2:
            return
        old = self._kept.pop(key, None)
        self._octets += shown.octets - (old.octets if old is not None else 0)
        self._kept[key] = shown
        while self._octets > self._most:
            _, gone = self._kept.popitem(last=False)
            self._octets -= gone.octets
