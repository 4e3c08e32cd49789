"""Email/query (RFC 8621 §4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from pillarbox.ids import MessageId
from pillarbox.jmap.capabilities import BULK, CLEANUP, MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.filters import store_query
from pillarbox.jmap.ids import email_id, number_of, state_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.sorting import store_sort
from pillarbox.jmap.standard import Query, window
from pillarbox.store.query import EmailQuery
from pillarbox.store.search.email_list import Ids


class EmailQueryArguments(Query, frozen=True, kw_only=True):
    """What Email/query has beyond others."""

    collapse_threads: bool = False


async def run(ctx: Context, arguments: EmailQueryArguments) -> Answer:
    """The part of the list that was asked for."""
    query = email_query(ctx, arguments.filter, arguments.sort, arguments.collapse_threads)
    found = await ctx.services.email_lists.get(ctx.store, ctx.account, query)
    return window(arguments, EmailIds(found.messages), state_of(found.modseq), can_calculate=True)


def email_query(
    ctx: Context,
    given: dict[str, Any] | None,
    sort: Sequence[dict[str, Any]] | None,
    collapse_threads: bool,
) -> EmailQuery:
    """What the store is asked. Raises MethodRefused."""
    own = not ctx.using.isdisjoint((BULK, CLEANUP))
    term = store_query(given, ctx.real_id, own=own)
    return EmailQuery(term, store_sort(sort), collapse_threads)


class EmailIds(Sequence[str]):
    """The ids of many messages, made when they are looked at."""

    def __init__(self, messages: Ids) -> None:
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [email_id(MessageId(message)) for message in self._messages[at]]
        return email_id(MessageId(self._messages[at]))

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Raises ValueError for one that is not among them."""
        end = len(self._messages) if stop is None else stop
        return self._messages.index(number_of("M", value), start, end)


METHODS = (Method("Email/query", MAIL, EmailQueryArguments, run),)
