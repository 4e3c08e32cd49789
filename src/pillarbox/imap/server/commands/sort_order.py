"""The order of SORT (RFC 5256 §3, BASE.6.4.SORT; RFC 5957 §4). Pure.

Texts collate by i;unicode-casemap (RFC 5256 §7, RFC 5051): in capitals and decomposed, so that an
accented letter stands beside its plain one. Where all criteria are equal, the order of the mailbox
decides, whatever was reversed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pillarbox.message.casefold import collated
from pillarbox.store.query import SortRow

KEYS = {  # criterion → field of SortRow
    "ARRIVAL": "received_at",
    "CC": "cc_mailbox",
    "DATE": "sent_at",
    "FROM": "from_mailbox",
    "SIZE": "size",
    "SUBJECT": "base_subject",
    "TO": "to_mailbox",
    "DISPLAYFROM": "display_from",
    "DISPLAYTO": "display_to",
}
_NUMBERS = frozenset({"received_at", "sent_at", "size"})


@dataclass(frozen=True, slots=True)
class SortBy:
    """One criterion."""

    name: str  # of KEYS
    reverse: bool = False


def in_order(rows: Sequence[SortRow], criteria: Sequence[SortBy]) -> list[SortRow]:
    """The rows, which come in the order of the mailbox, sorted."""
    ordered = list(rows)
    for criterion in reversed(criteria):  # stable: the first criterion sorts last
        ordered.sort(key=_key(KEYS[criterion.name]), reverse=criterion.reverse)
    return ordered


def _key(name: str) -> Callable[[SortRow], Any]:
    value = attrgetter(name)
    if name in _NUMBERS:
        return value
    return lambda row: collated(value(row))
