"""Which submissions are asked for, and in what order (RFC 8621 §7.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.ids import number_of
from pillarbox.store.sql.submissions import SubmissionRow, Undo

Test = Callable[[SubmissionRow], bool]
RealId = Callable[[str], str]
_MOST_CONDITIONS = 100
_MOST_LEVELS = 10
_SORTS: dict[str, Callable[[SubmissionRow], int]] = {
    "emailId": lambda row: row.message,
    "threadId": lambda row: row.thread,
    "sentAt": lambda row: row.send_at,  # so the RFC calls it in lists
    "sendAt": lambda row: row.send_at,
}


def test_of(given: dict[str, Any] | None, real_id: RealId) -> Test:
    """A filter as a question to a row. Raises MethodRefused."""
    return _Reading(real_id).term(given or {}, _MOST_LEVELS)


def sorted_rows(
    rows: Sequence[SubmissionRow], given: Sequence[dict[str, Any]] | None
) -> list[SubmissionRow]:
    """In the order asked for; else in that in which they came. Raises MethodRefused."""
    found = list(rows)
    for comparator in reversed(given or ()):
        name, ascending = comparator.get("property"), comparator.get("isAscending", True)
        if not isinstance(name, str) or not isinstance(ascending, bool):
            raise invalid_arguments("A comparator has a property; isAscending is true or false.")
        if name not in _SORTS:
            raise MethodRefused("unsupportedSort", f"Nothing can be sorted by {name[:40]!r}.")
        found.sort(key=_SORTS[name], reverse=not ascending)
    return found


class _Reading:
    """One filter; counts what it holds."""

    def __init__(self, real_id: RealId) -> None:
        self._real_id = real_id
        self._left = _MOST_CONDITIONS

    def term(self, given: Any, levels: int) -> Test:
        if not isinstance(given, dict):
            raise invalid_arguments("A filter is an object with conditions or an operator.")
        self._left -= max(1, len(given))
        if levels == 0 or self._left < 0:
            raise MethodRefused("unsupportedFilter", "The filter is too large.")
        if "operator" not in given:
            tests = [self._condition(name, value) for name, value in given.items()]
            return lambda row: all(test(row) for test in tests)
        operator, conditions = given["operator"], given.get("conditions")
        if not isinstance(conditions, list) or given.keys() != {"operator", "conditions"}:
            raise invalid_arguments("An operator has a list of conditions, and nothing else.")
        terms = [self.term(one, levels - 1) for one in conditions]
        match operator:
            case "AND":
                return lambda row: all(test(row) for test in terms)
            case "OR":
                return lambda row: any(test(row) for test in terms)
            case "NOT":
                return lambda row: not any(test(row) for test in terms)
        raise invalid_arguments("An operator is AND, OR or NOT.")

    def _condition(self, name: str, value: Any) -> Test:
        match name:
            case "identityIds":
                identities = self._ids("I", name, value)
                return lambda row: row.identity in identities
            case "emailIds":
                emails = self._ids("M", name, value)
                return lambda row: row.message in emails
            case "threadIds":
                threads = self._ids("T", name, value)
                return lambda row: row.thread in threads
            case "undoStatus":
                if value not in tuple(Undo):
                    raise invalid_arguments("undoStatus is pending, final or canceled.")
                return lambda row: row.undo == value
            case "before":
                before = _instant(name, value)
                return lambda row: row.send_at < before
            case "after":
                after = _instant(name, value)
                return lambda row: row.send_at >= after
        raise MethodRefused("unsupportedFilter", f"There is no condition {name[:40]!r}.")

    def _ids(self, prefix: str, name: str, value: Any) -> frozenset[int]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise invalid_arguments(f"{name} is a list of ids.")
        return frozenset(number_of(prefix, self._real_id(one)) for one in value) - {0}


def _instant(name: str, value: Any) -> float:
    try:
        if not isinstance(value, str) or not value.endswith("Z"):
            raise ValueError
        return datetime.fromisoformat(value[:-1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise invalid_arguments(f"{name} is a date like 2026-11-23T08:00:00Z.") from None
