"""Lists of messages that were made lately: who scrolls asks for the next part of the same one."""

from __future__ import annotations

from collections import OrderedDict

from pillarbox.ids import AccountId
from pillarbox.store import Store
from pillarbox.store.query import EmailQuery
from pillarbox.store.search.email_list import EmailList
from pillarbox.store.search.email_list_changes import list_now
from pillarbox.store.sql.changes import account_modseq

_MOST_IDS = 2_000_000  # in all lists; 8 octets each. Two lists of a million messages
_MOST_LISTS = 64  # short ones


class EmailLists:
    """Of all accounts that a worker serves. A list holds until something in it changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[AccountId, EmailQuery], EmailList] = OrderedDict()
        self._ids = 0

    async def get(self, store: Store, account: AccountId, query: EmailQuery) -> EmailList:
        """The list as it is now. Raises NoSuchAccount, Unavailable."""
        key = (account, query)
        kept = self._kept.get(key)
        modseq = await store.read(lambda db: account_modseq(db, account))
        if kept is not None and kept.modseq == modseq:
            self._kept.move_to_end(key)
            return kept
        made = await store.ask_account(account, lambda search: list_now(search, query, kept))
        self.keep(account, query, made)
        return made

    def lately(self, account: AccountId, query: EmailQuery) -> EmailList | None:
        """The list as it was when it was asked for last."""
        return self._kept.get((account, query))

    def keep(self, account: AccountId, query: EmailQuery, made: EmailList) -> None:
        """It was made elsewhere; who asks for its rows next need not wait for it again."""
        key = (account, query)
        before = self._kept.pop(key, None)
        self._ids += len(made.messages) - (len(before.messages) if before else 0)
        self._kept[key] = made
        while self._ids > _MOST_IDS or len(self._kept) > _MOST_LISTS:
            _, oldest = self._kept.popitem(last=False)
            self._ids -= len(oldest.messages)
