"""Which mailboxes a Mailbox/query finds, and in what order (RFC 8621 §2.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pillarbox.ids import MailboxId
from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.ids import mailbox_id
from pillarbox.jmap.mailbox_view import Tree, shown_name, sort_order
from pillarbox.message.casefold import collated, fold
from pillarbox.store.model import Mailbox

Test = Callable[[Mailbox], bool]
Key = Callable[[Mailbox], Any]
MOST_LEVELS = 16  # of a filter
MOST_CONDITIONS = 500  # in one filter

_TEXT = (str,)
_TEXT_OR_NULL = (str, type(None))
_CONDITIONS: dict[str, tuple[type, ...]] = {
    "parentId": _TEXT_OR_NULL,
    "name": _TEXT,
    "role": _TEXT_OR_NULL,
    "hasAnyRole": (bool,),
    "isSubscribed": (bool,),
}
_COLLATIONS: dict[str, Callable[[str], Any]] = {
    "i;ascii-casemap": lambda text: text.encode().upper(),
    "i;octet": lambda text: text.encode(),
    "i;unicode-casemap": lambda text: collated(fold(text)),
}


class Filter:
    """A filter over one account's mailboxes."""

    def __init__(
        self, tree: Tree, given: dict[str, Any] | None, real_id: Callable[[str], str]
    ) -> None:
        self._tree = tree
        self._real_id = real_id  # a parent may have been created in this request
        self._left = MOST_CONDITIONS
        self._test = self._read(given, MOST_LEVELS) if given else None

    def holds_for(self, mailbox: Mailbox) -> bool:
        """Whether the mailbox is found."""
        return self._test is None or self._test(mailbox)

    def _read(self, given: Any, levels: int) -> Test:
        """Raises unsupportedFilter, invalidArguments."""
        self._left -= 1
        if not levels or self._left < 0:
            raise MethodRefused("unsupportedFilter", "The filter is too large.")
        if not isinstance(given, dict):
            raise invalid_arguments("A filter is an object.")
        if "operator" not in given:
            return self._condition(given)
        parts = given.get("conditions")
        if not isinstance(parts, list) or given.keys() - {"operator", "conditions"}:
            raise invalid_arguments("A filter's operator has a list of conditions.")
        tests = [self._read(part, levels - 1) for part in parts]
        match given["operator"]:
            case "AND":
                return lambda mailbox: all(test(mailbox) for test in tests)
            case "OR":
                return lambda mailbox: any(test(mailbox) for test in tests)
            case "NOT":
                return lambda mailbox: not any(test(mailbox) for test in tests)
        raise invalid_arguments("A filter's operator is AND, OR or NOT.")

    def _condition(self, given: dict[str, Any]) -> Test:
        for name, value in given.items():
            if name not in _CONDITIONS:
                raise MethodRefused("unsupportedFilter", f"Mailboxes have no filter {name!r}.")
            if not isinstance(value, _CONDITIONS[name]):
                raise invalid_arguments(f"The filter {name!r} has a value of the wrong type.")
        return lambda mailbox: all(self._is(mailbox, name, value) for name, value in given.items())

    def _is(self, mailbox: Mailbox, name: str, value: Any) -> bool:
        match name:
            case "parentId":
                wanted = value and self._real_id(value)
                return bool(wanted == (mailbox_id(mailbox.parent) if mailbox.parent else None))
            case "name":
                return fold(value) in fold(shown_name(mailbox))
            case "role":
                return bool(value == (mailbox.role.value if mailbox.role else None))
            case "hasAnyRole":
                return bool(value == (mailbox.role is not None))
        return bool(value == (mailbox.path in self._tree.subscribed))


def comparators(tree: Tree, given: Sequence[dict[str, Any]] | None) -> list[tuple[Key, bool]]:
    """Keys with whether they descend; the default is by order, then name.

    Raises unsupportedSort, invalidArguments.
    """
    if not given:
        given = ({"property": "sortOrder"}, {"property": "name"})
    return [_comparator(tree, one) for one in given[:MOST_LEVELS]]


def _comparator(tree: Tree, given: dict[str, Any]) -> tuple[Key, bool]:
    is_ascending, collation = given.get("isAscending", True), given.get("collation")
    if not isinstance(is_ascending, bool) or given.keys() - {
        "property",
        "isAscending",
        "collation",
    }:
        raise invalid_arguments("A comparator has a property, isAscending and a collation.")
    collation = "i;unicode-casemap" if collation is None else collation
    by_text = _COLLATIONS.get(collation) if isinstance(collation, str) else None
    if by_text is None:
        raise MethodRefused("unsupportedSort", f"There is no collation {collation!r}.")
    match given.get("property"):
        case "sortOrder":
            return (lambda mailbox: sort_order(tree, mailbox)), not is_ascending
        case "name":
            return (lambda mailbox: by_text(shown_name(mailbox))), not is_ascending
    raise MethodRefused("unsupportedSort", "Mailboxes are sorted by sortOrder and name.")


def found(
    tree: Tree,
    which: Filter,
    order: Sequence[tuple[Key, bool]],
    *,
    sort_as_tree: bool,
    filter_as_tree: bool,
) -> list[MailboxId]:
    """The mailboxes that a query finds, in its order."""
    those: set[MailboxId] = set()
    for mailbox in tree.mailboxes:  # parents come first
        is_within = not filter_as_tree or mailbox.parent is None or mailbox.parent in those
        if is_within and which.holds_for(mailbox):
            those.add(mailbox.id)
    ordered = sorted(tree.mailboxes, key=lambda mailbox: mailbox.id)
    for key, descends in reversed(order):
        ordered.sort(key=key, reverse=descends)
    if sort_as_tree:
        ordered = _as_tree(ordered)
    return [mailbox.id for mailbox in ordered if mailbox.id in those]


def _as_tree(ordered: Sequence[Mailbox]) -> list[Mailbox]:
    """Each mailbox before what is inside it, siblings as they were."""
    inside: dict[MailboxId | None, list[Mailbox]] = {}
    for mailbox in ordered:
        inside.setdefault(mailbox.parent, []).append(mailbox)
    placed: list[Mailbox] = []
    waiting = inside.get(None, [])[::-1]
    while waiting:
        mailbox = waiting.pop()
        placed.append(mailbox)
        waiting += inside.get(mailbox.id, [])[::-1]
    return placed
