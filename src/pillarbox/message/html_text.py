"""HTML to plain text, for search and preview only: tags go, words stay. Linear in its input."""

from __future__ import annotations

import html
import re

# A whole tag, or where other markup begins; any other "<" is text.
_TAG = re.compile(r"<(?:/?([A-Za-z][A-Za-z0-9]*)(?:[^A-Za-z0-9>][^>]*)?>|(?=[/!?A-Za-z]))")
_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9]*)")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
# Their content is not text. Where the end tag is missing, all that follows is dropped.
_DROPPED = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "head", "title", "noscript", "template", "svg")
}
# These stand inside a word or line; every other tag parts words.
_INLINE_NAMES = """
    a abbr acronym b bdi bdo big cite code dfn em font i ins kbd mark nobr o q s samp small span
    strike strong sub sup tt u var wbr del
"""
_INLINE = frozenset(_INLINE_NAMES.split())


def to_text(markup: str) -> str:
    """The text of a document or fragment, with line feeds where blocks meet."""
    pieces: list[str] = []
    at = 0
    size = len(markup)
    while (found := _TAG.search(markup, at)) is not None:
        start = found.start()
        if start > at:
            pieces.append(markup[at:start])
        name = found[1]
        if name is None or (name := name.lower()) in _DROPPED:
            at = _skip_markup(markup, start, pieces)
            continue
        if name not in _INLINE:
            pieces.append("\n")
        at = found.end()
    if at < size:
        pieces.append(markup[at:])
    return _REFERENCE.sub(_character, "".join(pieces))


def _skip_markup(markup: str, start: int, pieces: list[str]) -> int:
    """The offset behind the markup at `start`; what stands in its place is added to `pieces`."""
    size = len(markup)
    if markup.startswith("<!--", start):
        end = markup.find("-->", start + 2)
        return size if end < 0 else end + 3
    match = _NAME.match(markup, start + 1)
    end = markup.find(">", start)
    if end < 0:  # cut off inside a tag
        return size
    if match is None:  # a declaration
        return end + 1
    pieces.append("\n")  # only a tag whose content is dropped comes here whole
    if markup[start + 1] != "/":
        close = _DROPPED[match.group(1).lower()].search(markup, end)
        end = markup.find(">", close.end()) if close is not None else -1
    return size if end < 0 else end + 1


def _character(match: re.Match[str]) -> str:
    return html.unescape(match.group())
