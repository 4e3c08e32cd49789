"""Keywords from elsewhere, cut down to what an account may have: they never cost a message."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pillarbox.config.store import StoreSettings
from pillarbox.ids import AccountId
from pillarbox.store import Reader
from pillarbox.store.model import Flag
from pillarbox.store.sql.keywords import all_keywords

ALL_FLAGS = sum(Flag)
_NO_WORD = re.compile(r'[\x00-\x20\x7f(){%*"\\\]]|[^\x00-\x7f]')  # no atom (RFC 9051 §9)


def normal_keywords(keywords: str) -> str:
    """Each once whatever its case, in order, and nothing that an IMAP client could not be told."""
    words = {word.lower(): word for word in map(_clean, keywords.split()) if word}
    return " ".join(sorted(words.values()))


def _clean(word: str) -> str:
    return word if _NO_WORD.search(word) is None else _NO_WORD.sub("_", word)


def without(keywords: str, label: str) -> str:
    """All but the label."""
    if not label or label.lower() not in keywords.lower():
        return keywords
    return " ".join(word for word in keywords.split() if word.lower() != label.lower())


class KeywordRoom:
    """Which keywords there is room for, while messages are added in one transaction."""

    def __init__(self, known: Iterable[str], settings: StoreSettings) -> None:
        self._known = {name.lower() for name in known}
        self._settings = settings
        self.dropped: set[str] = set()

    @classmethod
    async def load(cls, db: Reader, account: AccountId, settings: StoreSettings) -> KeywordRoom:
        """With those that the account has."""
        return cls(await all_keywords(db, account), settings)

    def fit(self, keywords: str, label: str = "") -> str:
        """Those that can be kept, the label first of all."""
        words = [label] if label else []
        words += without(keywords, label).split()
        kept: list[str] = []
        for word in words:
            if len(kept) < self._settings.max_keywords_of_message and self._has_room(word):
                kept.append(word)
            else:
                self.dropped.add(word)
        return " ".join(sorted(kept))

    def _has_room(self, word: str) -> bool:
        folded = word.lower()
        if folded in self._known:
            return True
        fits = (
            len(self._known) < self._settings.max_keywords
            and len(word.encode()) <= self._settings.max_keyword_octets
        )
        if fits:
            self._known.add(folded)
        return fits
