"""The one folding under which texts are searched and sorted."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Case removed, in composed form; two texts match when their foldings do."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.casefold())


def collated(folded: str) -> str:
    """What i;unicode-casemap compares of a text that is folded (RFC 5051)."""
    if folded.isascii():
        return folded.upper()
    return unicodedata.normalize("NFKD", folded.upper())
