"""What is in the text index of messages and accounts that are gone, found and forgotten.

A text stays behind when a process ends between deleting a message and forgetting its text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import apsw

from pillarbox.ids import AccountId
from pillarbox.store.engine.sqlite.columns import pages_after
from pillarbox.store.engine.sqlite.connection import fetch
from pillarbox.store.engine.sqlite.text_index import SqliteTextIndex, document_number

_KNOWN = """
    SELECT account_id, message_id FROM message
    WHERE (account_id, message_id) >= (?, ?) AND (account_id, message_id) <= (?, ?)
"""
_SWEPT, _SWEPT_PARTS = 5000, 20  # documents at once; parts in one call: 50 ms of reading

Forget = Callable[[list[int]], None]


def forget_others(index: apsw.Connection, known: set[AccountId], forget: Forget) -> None:
    """Forget all of accounts that are not `known`."""
    texts = SqliteTextIndex(index)
    account = texts.next_account(AccountId(0))
    while account is not None:
        numbers = [] if account in known else texts.some_numbers(account)
        if numbers:
            forget(numbers)
        else:
            account = texts.next_account(account)


class Sweeper:
    """Goes round through the index, a part in each call."""

    def __init__(
        self,
        reading: apsw.Connection,
        index: apsw.Connection,
        guard: threading.Lock,
        forget: Forget,
    ) -> None:
        """`guard` is held while the connections are used; `forget` takes it by itself."""
        self._reading = reading
        self._index = index
        self._guard = guard
        self._forget = forget
        self._swept = -1  # documents up to this number were looked at in this round
        self._swept_page = -1

    def sweep(self) -> None:
        """Forget messages that are gone, of the next part."""
        for _ in range(_SWEPT_PARTS):
            if not self._documents():
                break
        for _ in range(_SWEPT_PARTS):
            if not self._page():
                break

    def _documents(self) -> bool:
        """Look at the next documents; False: they were the last ones."""
        with self._guard:
            numbers = SqliteTextIndex(self._index).numbers_after(self._swept, _SWEPT)
            known = self._known(numbers[0], numbers[-1]) if numbers else set()
        self._forget_but(known, numbers)
        self._swept = numbers[-1] if len(numbers) == _SWEPT else -1
        return self._swept >= 0

    def _page(self) -> bool:
        """The same of a page, which knows messages before they have a document."""
        with self._guard:
            page = next(pages_after(self._index, self._swept_page), None)
            known = self._known(page[0], page[1]) if page is not None else set()
        if page is not None:
            self._forget_but(known, page[2])
        self._swept_page = page[0] if page is not None else -1
        return page is not None

    def _forget_but(self, known: set[int], numbers: Collection[int]) -> None:
        orphans = [number for number in numbers if number not in known]
        if orphans:
            self._forget(orphans)

    def _known(self, first: int, last: int) -> set[int]:
        """The numbers in that range that messages have."""
        ends = (first >> 32, first & 0xFFFFFFFF, last >> 32, last & 0xFFFFFFFF)
        rows = fetch(self._reading, _KNOWN, ends)
        return {document_number(account, message) for account, message in rows}
