"""What the evaluator asks of an engine's text index."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Protocol

from pillarbox.ids import AccountId, MessageId

SHORTEST = 3  # characters that the index can look up; shorter needles are scanned for


class Where(Enum):
    """A half of a document."""

    HEAD = "head"
    BODY = "body"


class TextIndex(Protocol):
    """One snapshot of the index."""

    def upto(self) -> int:
        """Messages with a `seq` up to this one are in the index, later ones are not."""

    def candidates(self, where: Where, account: AccountId, needle: str) -> list[MessageId]:
        """Messages that have all three-character runs of a folded needle of at least SHORTEST.

        All that have the needle are among them; for a needle of SHORTEST they are all.
        """

    def texts(
        self, where: Where, account: AccountId, messages: Iterable[MessageId]
    ) -> Iterable[tuple[MessageId, bytes]]:
        """That half of the documents of those of the messages that are in the index."""
