"""Sort orders of Email/query as criteria of the store (RFC 8621 §4.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.filters import keyword_query
from pillarbox.store import query as q

MOST_CRITERIA = 16  # each may read a column of all messages
_OF_KEYWORDS = ("hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword")
_OF_MESSAGES = {key.value: key for key in q.SortKey if key is not q.SortKey.HOLDS}
SORT_OPTIONS = (*_OF_MESSAGES, *_OF_KEYWORDS)  # emailQuerySortOptions of an account
# The store keeps texts folded, so the order of their octets before that is not to be had.
_COLLATIONS = {"i;unicode-casemap": False, "i;ascii-casemap": True}
_TEXTS = ("from", "to", "subject")


def store_sort(given: Sequence[dict[str, Any]] | None) -> tuple[q.SortBy, ...]:
    """The criteria. Raises MethodRefused: invalidArguments, unsupportedSort."""
    comparators = given or ()
    if len(comparators) > MOST_CRITERIA:
        raise _unsupported(f"A list is sorted by {MOST_CRITERIA} criteria at most.")
    return tuple([_sort_by(one) for one in comparators])


def _sort_by(given: dict[str, Any]) -> q.SortBy:
    name, ascending = given.get("property"), given.get("isAscending", True)
    if not isinstance(name, str) or not isinstance(ascending, bool):
        raise invalid_arguments("A comparator has a property, and isAscending is true or false.")
    plain = _is_plain(given.get("collation"))
    if name in _OF_KEYWORDS:
        return q.SortBy(q.SortKey.HOLDS, ascending, _keyword_term(name, given.get("keyword")))
    if name not in _OF_MESSAGES:
        raise _unsupported(f"Nothing can be sorted by {name[:40]!r}.")
    return q.SortBy(_OF_MESSAGES[name], ascending, plain=plain and name in _TEXTS)


def _keyword_term(name: str, keyword: Any) -> q.Query:
    if not isinstance(keyword, str):
        raise invalid_arguments(f"{name} needs a keyword.")
    term = keyword_query(keyword)
    if name == "someInThreadHaveKeyword":
        return q.SomeInThread(term)
    return term if name == "hasKeyword" else q.Not(q.SomeInThread(q.Not(term)))


def _is_plain(collation: Any) -> bool:
    if collation is None:
        return False
    if not isinstance(collation, str):
        raise invalid_arguments("A collation is a string.")
    if collation not in _COLLATIONS:
        raise _unsupported(f"Mail is not sorted by {collation[:40]!r}.")
    return _COLLATIONS[collation]


def _unsupported(sentence: str) -> MethodRefused:
    return MethodRefused("unsupportedSort", sentence)
