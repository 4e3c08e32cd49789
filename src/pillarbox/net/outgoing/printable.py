"""What another server wrote, made fit to be shown: in a terminal, a log line, a page. Sans-IO."""

from __future__ import annotations

import re

# What could move a terminal's cursor, or turn the direction of the text around it.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def printable(octets: bytes) -> str:
    """The text with escapes for what is no UTF-8 and for what would not stay in its line."""
    text = octets.decode("utf-8", "backslashreplace")
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(_escape, text.replace("\t", " "))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
