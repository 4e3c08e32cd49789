"""The order of SORT (RFC 5256 §3, BASE.6.4.SORT; RFC 5957 §4). Pure.

The keys come folded from the store, so plain comparison is the collation; where all criteria are
equal, the order of the mailbox decides, whatever was reversed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

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


@dataclass(frozen=True, slots=True)
class SortBy:
    """One criterion."""

    name: str  # of KEYS
    reverse: bool = False


def in_order(rows: Sequence[SortRow], criteria: Sequence[SortBy]) -> list[SortRow]:
    """The rows, which come in the order of the mailbox, sorted."""
    ordered = list(rows)
    for criterion in reversed(criteria):  # stable: the first criterion sorts last
        ordered.sort(key=attrgetter(KEYS[criterion.name]), reverse=criterion.reverse)
    return ordered
