"""Whether a message holds a needle, at a third of the cost of making its document.

Mail that has no document yet is looked through with this first. What it tells is what the document
would; where it cannot tell, it says so.
"""

from __future__ import annotations

import re
import unicodedata

from pillarbox.message import charset
from pillarbox.message.casefold import fold
from pillarbox.message.part import Octets, Part
from pillarbox.message.text import first_octets, leaves, param

_MARKUP = re.compile(r"<[/!?A-Za-z]")
_TAG = re.compile(r"<[/!?A-Za-z][^<>]*>")
# A reference that could stand for a letter; the others part words or stand for what needles that
# are glanced for do not hold.
_REFERENCE = re.compile(r"&(?!nbsp;|amp;|lt;|gt;|quot;)[#A-Za-z]")
_MARKS = frozenset('<>&":')  # written in other ways, or with white space beside them


def is_glanced_for(needle: str) -> bool:
    """Whether `holds` can tell anything about a folded needle: one word without marks."""
    return needle.split() == [needle] and _MARKS.isdisjoint(needle)


def holds(octets: Octets, root: Part, needle: str, *, max_octets: int) -> bool | None:
    """Whether a text part holds the folded needle; None: perhaps.

    `max_octets` as in `searchable_text`.
    """
    left = max_octets
    perhaps = False
    for part in leaves(root):
        if part.type != "text" or left <= 0:
            continue
        raw = first_octets(octets, part, left)
        left -= len(raw)
        text = charset.decode(raw, param(part, "charset"), thorough=True)
        if part.subtype == "html":
            perhaps = perhaps or _html_may_hold(text, needle)
        elif needle in fold(text):
            return True
    return None if perhaps else False


def _html_may_hold(markup: str, needle: str) -> bool:
    """Inline tags may stand within a word, so all tags go; what else could hide one says yes."""
    if "<!--" in markup:
        return True
    text = _TAG.sub("", markup)
    if _MARKUP.search(text) or _REFERENCE.search(text):
        return True
    if text.isascii():
        return needle in text.lower()
    folded = text.casefold()
    # What is not in composed form yet, or composes across a tag that is gone, is compared later.
    return needle in folded or not unicodedata.is_normalized("NFC", folded)
