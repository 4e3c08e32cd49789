"""Where words stand in a text, marked as HTML (RFC 8621 §5). Pure."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence

from pillarbox.message.casefold import fold
from pillarbox.store import query as q
from pillarbox.store.query import Field

MOST_OCTETS = 255  # of a preview, marks and all (RFC 8621 §5)
MOST_MARKS = 200  # in one text
_BEFORE = 60  # characters of the text in front of what was found
_MARK, _END, _MORE = "<mark>", "</mark>", "…"

Span = tuple[int, int]  # characters [start, end)


def words_for(query: q.Query, field: Field) -> list[str]:
    """The folded words that a filter looks for in a field; what must not be there is none."""
    match query:
        case q.Contains(found, needle) if found is field:
            return [" ".join(fold(needle).split())]
        case q.And(terms) | q.Or(terms):
            return list(dict.fromkeys(word for term in terms for word in words_for(term, field)))
    return []


def plain_line(text: str) -> str:
    """The text as one line, composed as the folding composes it."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def find_spans(line: str, words: Iterable[str]) -> list[Span]:
    """Where folded words stand in a line, in order and apart from one another."""
    folded, starts = _folded(line)
    spans: list[Span] = []
    for word in filter(None, words):
        at, count = folded.find(word), 0
        while at >= 0 and count < MOST_MARKS:
            end = at + len(word)
            spans.append((starts[at], starts[end - 1] + 1) if starts else (at, end))
            at, count = folded.find(word, end), count + 1
    return _apart(sorted(spans))


def _folded(line: str) -> tuple[str, Sequence[int]]:
    """The folding, and for each of its characters which one it comes from; empty: the same."""
    if line.isascii():
        return line.lower(), ()
    pieces = [fold(character) for character in line]
    starts = [at for at, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), starts


def _apart(spans: list[Span]) -> list[Span]:
    apart: list[Span] = []
    for start, end in spans:
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def marked(line: str, spans: Sequence[Span]) -> str:
    """The whole line as HTML."""
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += [_escaped(line[at:start]), _MARK, _escaped(line[start:end]), _END]
        at = end
    return "".join([*pieces, _escaped(line[at:])])


def marked_part(line: str, spans: Sequence[Span]) -> str:
    """The part of a line around the first span, as HTML of at most MOST_OCTETS octets."""
    start = max(0, spans[0][0] - _BEFORE)
    if start:
        space = line.find(" ", start, spans[0][0])
        start = space + 1 if space >= 0 else start
    end = _longest(line, spans, start)
    return _cut(line, spans, start, end)


def _longest(line: str, spans: Sequence[Span], start: int) -> int:
    """The end of the longest part that fits; longer parts never take fewer octets."""
    low, high = start, min(len(line), start + MOST_OCTETS)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_cut(line, spans, start, middle).encode("utf-8", "replace")) <= MOST_OCTETS:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(line: str, spans: Sequence[Span], start: int, end: int) -> str:
    inside = [
        (max(first, start) - start, min(last, end) - start)
        for first, last in spans
        if first < end and last > start
    ]
    before, after = _MORE if start else "", _MORE if end < len(line) else ""
    return before + marked(line[start:end], inside) + after


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
