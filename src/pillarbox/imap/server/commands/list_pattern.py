r"""Names against LIST's patterns: `%` stops at a delimiter, `*` does not (RFC 9051 §6.3.9).

Not with regular expressions: a pattern of many wildcards would cost the power of their number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.store.model import DELIMITER

_INBOX = "INBOX"
_WILDCARDS = re.compile(r"[*%]+")  # a run of wildcards is one
_WILDCARD = re.compile(r"([*%])")
_BOTH = frozenset("*%")


def matcher(reference: str, patterns: Iterable[str], max_wildcards: int) -> Callable[[str], bool]:
    """A test of names; raises BadSyntax for too many wildcards. INBOX matches in any case."""
    split = [_pieces(reference + pattern) for pattern in patterns]
    if sum(piece in _BOTH for pieces in split for piece in pieces) > max_wildcards:
        raise BadSyntax(f"LIST takes {max_wildcards} wildcards at most.")
    # INBOX is found by its capitals, whatever case the pattern is in (RFC 9051 §6.3.9).
    for_inbox = [[piece.upper() for piece in pieces] for pieces in split]
    return lambda name: any(
        _matches(pieces, name) for pieces in (for_inbox if name == _INBOX else split)
    )


def _pieces(pattern: str) -> list[str]:
    first = pattern[:5]
    if first.upper() == "INBOX" and pattern[5:6] in ("", DELIMITER, "%", "*"):
        pattern = "INBOX" + pattern[5:]
    pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
    return [piece for piece in _WILDCARD.split(pattern) if piece]


def _matches(pieces: list[str], name: str) -> bool:
    """Walk all ways through the pattern at once: the places in the name that it may have got to."""
    places: Iterable[int] = (0,)
    for piece in pieces:
        if piece == "*":
            places = range(min(places), len(name) + 1)
        elif piece == "%":
            places = _within_level(name, places)
        else:
            places = [at + len(piece) for at in places if name.startswith(piece, at)]
        if not places:
            return False
    return len(name) in places


def _within_level(name: str, places: Iterable[int]) -> list[int]:
    """All places from each one up to the next delimiter, ascending."""
    found: list[int] = []
    for at in places:
        if found and at <= found[-1]:
            continue
        end = name.find(DELIMITER, at)
        found.extend(range(at, (end if end >= 0 else len(name)) + 1))
    return found
