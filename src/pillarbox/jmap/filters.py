"""Filters of Email/query as questions to the store (RFC 8621 §4.4.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pillarbox.ids import MailboxId, MessageId
from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.ids import number_of
from pillarbox.store import query as q
from pillarbox.store.model import FLAGS_BY_FOLDED_NAME, Flag
from pillarbox.store.query import Field

MOST_LEVELS = 20  # of operators in operators: nobody writes so many, and each is a call deeper
MOST_CONDITIONS = 500  # properties in one filter: each may look through a whole account
MOST_IDS = 5000  # of messages, in one condition
MOST_WORDS = 50  # of one text; each is looked up by itself
_MOST_OCTETS = 1 << 53

RealId = Callable[[str], str]  # what "#name" stands for
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?Z", re.ASCII)
# Quoted where white space or an end stands around it: "isn't" has no phrase in it.
_WORD = re.compile(r"""(?<!\S)(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)')(?!\S)|(\S+)""", re.DOTALL)
_ESCAPED = re.compile(r"""\\(['"\\])""")
_FIELDS_OF = {
    # Not every header field: trace fields would make nearly every word match.
    "text": (Field.SUBJECT, Field.FROM, Field.TO, Field.CC, Field.BCC, Field.BODY),
    "from": (Field.FROM,),
    "to": (Field.TO,),
    "cc": (Field.CC,),
    "bcc": (Field.BCC,),
    "subject": (Field.SUBJECT,),
    "body": (Field.BODY,),
}


def store_query(
    given: dict[str, Any] | None, real_id: RealId = str, *, own: bool = False, hidden: bool = False
) -> q.Query:
    """The question for a filter; `own`: with our own conditions fromAddress and emailIds.

    `hidden`: with markedDeleted, which finds messages that no list shows.
    Raises MethodRefused: invalidArguments, unsupportedFilter.
    """
    if given is None:
        return q.All()
    return _Reading(real_id, own=own, hidden=hidden).term(given, MOST_LEVELS)


def words_of(text: str) -> list[str]:
    """The words and phrases that all must be there."""
    found = [
        _ESCAPED.sub(r"\1", match[1] or match[2]) if match[3] is None else match[3]
        for match in _WORD.finditer(text)
    ]
    if len(found) > MOST_WORDS:
        raise unsupported(f"A text has {MOST_WORDS} words at most.")
    return found


def keyword_query(keyword: str) -> q.Query:
    """Whether a message has a keyword."""
    folded = keyword.lower()
    flag = FLAGS_BY_FOLDED_NAME.get(folded)
    if flag is None and folded.startswith("$"):
        flag = FLAGS_BY_FOLDED_NAME.get("\\" + folded[1:])
    if flag is None or flag is Flag.DELETED or folded.startswith("\\"):
        return q.HasKeyword(folded)
    return q.HasFlag(int(flag))


def unsupported(sentence: str) -> MethodRefused:
    """A filter that this server does not work with."""
    return MethodRefused("unsupportedFilter", sentence)


class _Reading:
    """One filter; counts what it holds."""

    def __init__(self, real_id: RealId, *, own: bool, hidden: bool) -> None:
        self._real_id = real_id
        self._own = own
        self._hidden = hidden
        self._left = MOST_CONDITIONS

    def term(self, given: Any, levels: int) -> q.Query:
        if not isinstance(given, dict):
            raise invalid_arguments("A filter is an object with conditions or an operator.")
        self._left -= max(1, len(given))
        if levels == 0 or self._left < 0:
            raise unsupported("The filter is too large; take fewer conditions.")
        if "operator" not in given:
            return _all_of([self._condition(name, value) for name, value in given.items()])
        operator, conditions = given["operator"], given.get("conditions")
        if not isinstance(conditions, list) or given.keys() != {"operator", "conditions"}:
            raise invalid_arguments("An operator has a list of conditions, and nothing else.")
        terms = [self.term(one, levels - 1) for one in conditions]
        if operator == "AND":
            return _all_of(terms)
        if operator == "OR":
            return q.Or(tuple(terms))
        if operator == "NOT":
            return q.Not(q.Or(tuple(terms)))
        raise invalid_arguments("An operator is AND, OR or NOT.")

    def _condition(self, name: str, value: Any) -> q.Query:
        if name in _FIELDS_OF:
            self._left -= len(words := words_of(_text(name, value)))
            return _all_of([_anywhere(_FIELDS_OF[name], word) for word in words])
        match name:
            case "inMailbox":
                return q.InMailbox(self._mailbox(value))
            case "inMailboxOtherThan":
                return q.InOtherThan(tuple([self._mailbox(one) for one in _list(name, value)]))
            case "header":
                return _header(value)
            case "fromAddress" if self._own:
                return q.FromAddress(_text(name, value))
            case "markedDeleted" if self._hidden and value is True:
                return q.Hidden()
            case "emailIds" if self._own:
                ids = [_text(name, one) for one in _list(name, value)[: MOST_IDS + 1]]
                if len(ids) > MOST_IDS:
                    raise unsupported(f"emailIds has {MOST_IDS} ids at most.")
                return q.Messages(tuple([MessageId(number_of("M", one)) for one in ids]))
        simple = _SIMPLE.get(name)
        if simple is None:
            raise unsupported(f"There is no condition {name[:40]!r}.")
        return simple(name, value)

    def _mailbox(self, value: Any) -> MailboxId:
        return MailboxId(number_of("F", self._real_id(_text("a mailbox id", value))))


def _all_of(terms: list[q.Query]) -> q.Query:
    return terms[0] if len(terms) == 1 else q.And(tuple(terms))


def _anywhere(fields: tuple[Field, ...], word: str) -> q.Query:
    terms = tuple([q.Contains(field, word) for field in fields])
    return terms[0] if len(terms) == 1 else q.Or(terms)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid_arguments(f"{name} is a string.")
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise invalid_arguments(f"{name} is a list.")
    return value


def _octets(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MOST_OCTETS:
        raise invalid_arguments(f"{name} is a number of octets.")
    return value


def seconds_of(name: str, value: Any) -> int:
    """An instant; receivedAt has whole seconds, so of a fraction the next one counts."""
    match = _DATE.fullmatch(_text(name, value))
    try:
        if match is None:
            raise ValueError
        at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        raise invalid_arguments(f"{name} is a date like 2026-11-23T08:00:00Z.") from None
    more = bool(match[2] and match[2].strip(".0"))
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) + more


def _keyword(name: str, value: Any) -> q.Query:
    return keyword_query(_text(name, value))


def _has_attachment(_name: str, value: Any) -> q.Query:
    if not isinstance(value, bool):
        raise invalid_arguments("hasAttachment is true or false.")
    return q.HasAttachment() if value else q.Not(q.HasAttachment())


def _header(value: Any) -> q.Query:
    given = [_text("header", one) for one in _list("header", value)]
    if len(given) not in (1, 2) or not given[0]:
        raise invalid_arguments("header is a field's name and perhaps a text.")
    words = words_of(given[1]) if len(given) == 2 else []
    return _all_of([q.HasHeader(given[0], word) for word in words or ("",)])


_SIMPLE: dict[str, Callable[[str, Any], q.Query]] = {
    "before": lambda name, value: q.ReceivedBetween(None, seconds_of(name, value)),
    "after": lambda name, value: q.ReceivedBetween(seconds_of(name, value), None),
    "minSize": lambda name, value: q.Larger(_octets(name, value) - 1),
    "maxSize": lambda name, value: q.Smaller(_octets(name, value)),
    "hasKeyword": _keyword,
    "notKeyword": lambda name, value: q.Not(_keyword(name, value)),
    "someInThreadHaveKeyword": lambda name, value: q.SomeInThread(_keyword(name, value)),
    "noneInThreadHaveKeyword": lambda name, value: q.Not(q.SomeInThread(_keyword(name, value))),
    "allInThreadHaveKeyword": lambda name, value: q.Not(
        q.SomeInThread(q.Not(_keyword(name, value)))
    ),
    "hasAttachment": _has_attachment,
}
