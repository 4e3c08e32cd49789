"""The answer to a question to a whole account: which messages, in which order.

The list is made whole, for 100,000 messages in some 15 ms; what a window of it would save, the
next window would pay again.
"""

from __future__ import annotations

import json
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any, TypeAlias

import msgspec

from pillarbox.ids import ModSeq
from pillarbox.message.casefold import collated
from pillarbox.store import query as q
from pillarbox.store.search.account_wide import BY_MESSAGE, AccountSearch
from pillarbox.store.search.arrivals import arrivals_of
from pillarbox.store.sql import changes

Ids: TypeAlias = "array[int]"
_FEW = 1000  # messages that are cheaper to ask for than to look through all
_LATEST_FIRST = (q.SortBy(q.SortKey.RECEIVED_AT, ascending=False),)

_HERE, _THESE = "true", "message_id IN (SELECT value FROM json_each(?2))"
_OF_PLACES = "SELECT message_id, {column} FROM placement{index} WHERE account_id = ?1 AND {which}"
_OF_MESSAGES = "SELECT message_id, {column} FROM message WHERE account_id = ?1 AND {which}"
_SELECT = {
    q.SortKey.RECEIVED_AT: (_OF_PLACES, "received_at"),
    q.SortKey.SIZE: (_OF_PLACES, "size"),
    q.SortKey.SENT_AT: (_OF_MESSAGES, "coalesce(sent_at, received_at)"),
    q.SortKey.FROM: (_OF_MESSAGES, "display_from"),
    q.SortKey.TO: (_OF_MESSAGES, "display_to"),
    q.SortKey.SUBJECT: (_OF_MESSAGES, "base_subject"),
}
_TEXTS = frozenset({q.SortKey.FROM, q.SortKey.TO, q.SortKey.SUBJECT})


class EmailList(msgspec.Struct, frozen=True):
    """Messages in order, as they were at a modseq."""

    modseq: ModSeq
    messages: Ids


async def email_list(search: AccountSearch, query: q.EmailQuery) -> EmailList:
    """The whole answer. Raises NoSuchAccount."""
    modseq = await changes.account_modseq(search.db, search.account)
    sort = query.sort or _LATEST_FIRST
    found: list[int] | None = None
    if len(sort) == 1 and sort[0].key is q.SortKey.RECEIVED_AT:
        found = await _by_arrival(search, query, ascending=sort[0].ascending)
    if found is None:
        found = await _in_order(search, query.filter, sort)
        if query.collapse_threads:
            threads = await search.threads()
            found = _first_of_threads(found, map(threads.__getitem__, found))
    return EmailList(modseq, array("Q", found))


async def _in_order(search: AccountSearch, term: q.Query, sort: tuple[q.SortBy, ...]) -> list[int]:
    messages = await search.find(term)
    ordered = sorted(messages, reverse=not sort[-1].ascending)
    for criterion in reversed(sort):  # stable: the first criterion sorts last
        key = await _key(search, criterion, messages)
        ordered.sort(key=key, reverse=not criterion.ascending)
    return ordered


async def _by_arrival(
    search: AccountSearch, query: q.EmailQuery, *, ascending: bool
) -> list[int] | None:
    """The order of nearly all lists; None where dates are too odd for it."""
    term, found = query.filter, None
    mailbox = term.mailbox if isinstance(term, q.InMailbox) else None
    if mailbox is None and not isinstance(term, q.All):
        found = await search.find(term)
    if found is not None and len(found) <= _FEW:
        order, found = await arrivals_of(search.db, search.account, found), None
    else:
        order = await search.arrivals(mailbox)
    if order is None:
        return None
    turned: Callable[[Ids], Iterable[int]] = iter if ascending else reversed
    messages, threads = turned(order.messages), turned(order.threads)
    if found is not None:
        chosen = list(map(found.__contains__, turned(order.messages)))
        messages, threads = compress(messages, chosen), compress(threads, chosen)
    return _first_of_threads(messages, threads) if query.collapse_threads else list(messages)


async def _key(
    search: AccountSearch, criterion: q.SortBy, messages: set[int]
) -> Callable[[int], Any]:
    if criterion.key is q.SortKey.HOLDS:
        return (await search.find(criterion.term)).__contains__
    statement, column = _SELECT[criterion.key]
    few = len(messages) <= _FEW
    which, index = (_THESE, BY_MESSAGE) if few else (_HERE, "")
    sql = statement.format(column=column, which=which, index=index)
    wanted = (json.dumps(list(messages)),) if few else ()
    values: dict[int, Any] = dict(await search.db.rows(sql, (search.account, *wanted)))
    if criterion.key in _TEXTS and not criterion.plain:
        values = {message: collated(text) for message, text in values.items()}
    return values.__getitem__


def _first_of_threads(ordered: Iterable[int], threads: Iterable[int]) -> list[int]:
    first: dict[int, int] = {}
    deque(map(first.setdefault, threads, ordered), 0)  # no step of Python for each
    return list(first.values())
