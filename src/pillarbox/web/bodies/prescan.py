"""One linear look at HTML before it is parsed: its nesting, its style sheets, its body tag.

It does not decide what is safe: a parser that is deceived here still cleans, and the process it
runs in is killed when it takes too long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pillarbox.web.bodies.policy import names

_MARK = re.compile(r"<(?:!--|(/?)([A-Za-z][A-Za-z0-9]{0,19}))")
_RAW = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("style", "script", "textarea", "title", "xmp", "noembed", "noframes", "iframe")
}
_VOID = names("area base bgsound br col embed hr img input link meta param source track wbr")
# These end by themselves where the next one begins; what they stand in is counted.
_IMPLIED = names(
    "a body dd dt head html li nobr optgroup option p rb rp rt rtc tbody td tfoot th thead tr"
)
_NOT_COUNTED = _VOID | _IMPLIED
_FORMS = names("form input button select textarea")
_DARK = re.compile(r"color-scheme", re.IGNORECASE)
_LONGEST_TAG = 16_384  # characters of the body tag that are looked at
_MOST_SHEETS = 100


@dataclass(slots=True)
class Scanned:
    """What was seen."""

    depth: int = 0
    sheets: list[str] = field(default_factory=list)
    body_tag: str = ""  # its attributes, as they are written
    has_forms: bool = False
    dark_aware: bool = False


def prescan(markup: str, max_depth: int) -> Scanned:
    """Look at all of it, or stop where it is nested deeper than `max_depth`."""
    found = Scanned(dark_aware=_DARK.search(markup) is not None)
    opened: dict[str, int] = {}
    depth = at = 0
    while (mark := _MARK.search(markup, at)) is not None:
        at = mark.end()
        if mark[2] is None:
            end = markup.find("-->", at - 2)
            at = len(markup) if end < 0 else end + 3
            continue
        name = mark[2].lower()
        if mark[1]:
            if opened.get(name, 0):
                opened[name] -= 1
                depth -= 1
        elif name in _RAW:
            at = _raw_text(markup, name, at, found)
        elif name not in _NOT_COUNTED:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
            found.depth = max(found.depth, depth)
            if depth > max_depth:
                break
        elif name == "body" and not found.body_tag:
            end = markup.find(">", at, at + _LONGEST_TAG)
            found.body_tag = markup[at:end] if end >= 0 else ""
        found.has_forms = found.has_forms or name in _FORMS
    return found


def _raw_text(markup: str, name: str, at: int, found: Scanned) -> int:
    """Where the search goes on behind an element whose content is no markup."""
    start = markup.find(">", at) + 1
    close = _RAW[name].search(markup, start) if start else None
    if name == "style" and start and len(found.sheets) < _MOST_SHEETS:
        found.sheets.append(markup[start : close.start() if close is not None else len(markup)])
    return close.end() if close is not None else len(markup)
