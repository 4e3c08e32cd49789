"""Answers of the clean-up assistant that were reckoned lately."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from typing import Any

from pillarbox.ids import AccountId, ModSeq

_MOST = 64  # accounts; an answer has some hundred short filters
Cards = list[dict[str, Any]]


class CleanUps:
    """Of all accounts that a worker serves; one holds until the account changes, for a day."""

    def __init__(self) -> None:
        self._kept: OrderedDict[AccountId, tuple[ModSeq, date, Cards]] = OrderedDict()

    def find(self, account: AccountId, modseq: ModSeq, today: date) -> Cards | None:
        """As it is now."""
        kept = self._kept.get(account)
        return kept[2] if kept is not None and kept[:2] == (modseq, today) else None

    def keep(self, account: AccountId, modseq: ModSeq, today: date, cards: Cards) -> None:
        """For the next time."""
        self._kept[account] = (modseq, today, cards)
        self._kept.move_to_end(account)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
