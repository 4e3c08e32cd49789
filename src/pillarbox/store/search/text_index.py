"""What the evaluator asks of an engine's text index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from enum import Enum
from typing import Protocol

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.query import Field
from pillarbox.store.search.document import Document

EXACT = 3  # characters of the words that the index is made of


class Where(Enum):
    """A half of a document, or both."""

    HEAD = "head"
    BODY = "body"
    ANY = "any"


class TextIndex(Protocol):
    """One snapshot of the index."""

    def upto(self) -> tuple[int, int]:
        """Messages up to the first `seq` have a document; those up to the second are indexed."""

    def columns(
        self, field: Field, account: AccountId, octets: bytes
    ) -> tuple[set[MessageId], MessageId]:
        """The account's messages whose folded column holds the octets, of those up to a message.

        That message is told, too; those behind it have to be looked through elsewhere.
        """

    def column(
        self, field: Field, account: AccountId
    ) -> Iterable[tuple[MessageId, Sequence[int], list[bytes]]]:
        """The folded column of an account's messages, some at a time: up to which message they
        go, the messages, their texts. Those behind have to be read elsewhere.
        """

    def candidates(
        self, where: Where, account: AccountId, needle: str, most: int = -1
    ) -> set[MessageId] | None:
        """Indexed messages that may have a folded needle; all that have it are among them, unless
        there are `most` of them in a half.

        None: the index cannot tell, because no word of the needle has EXACT characters. For a
        needle of one word of just EXACT characters they are all that have it.
        """

    def holding(
        self, where: Where, account: AccountId, messages: Set[MessageId], octets: bytes
    ) -> tuple[list[MessageId], list[MessageId]]:
        """Of the messages with a document, those that hold the octets there, and those that may.

        The latter are few: the index would have to work to tell.
        """

    def texts(
        self, where: Where, account: AccountId, messages: Collection[MessageId], octets: bytes
    ) -> Iterable[tuple[MessageId, Document]]:
        """Documents of those of the messages that have one and may hold the octets there.

        The half that was not asked for is left empty.
        """
