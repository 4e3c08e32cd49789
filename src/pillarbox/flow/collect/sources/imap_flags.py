"""Flags as IMAP servers write them, and as the store keeps them (RFC 9051 §2.3.2)."""

from __future__ import annotations

from functools import lru_cache

from pillarbox.store.model import FLAG_NAMES, FLAGS_BY_FOLDED_NAME


@lru_cache(maxsize=1024)  # a folder has few combinations, and each of them often
def read_flags(octets: bytes) -> tuple[int, str]:
    r"""Bits, and the keywords sorted, from between the parentheses.

    Other flags of servers (`\Recent`, and what they made up) say nothing about the message here.
    """
    bits = 0
    keywords = set()
    for word in octets.decode("utf-8", "replace").split():
        flag = FLAGS_BY_FOLDED_NAME.get(word.lower())
        if flag is not None:
            bits |= flag
        elif not word.startswith("\\"):
            keywords.add(word)
    return bits, " ".join(sorted(keywords))


def flag_words(bits: int, keywords: str) -> list[str]:
    """The names of all of them."""
    return [name for flag, name in FLAG_NAMES.items() if bits & flag] + keywords.split()
