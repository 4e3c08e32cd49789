"""The word in a link's address: 256 random bits, kept as their SHA-256 and nowhere else."""

from __future__ import annotations

import hashlib
import re
import secrets

_OCTETS = 32
_WORD = re.compile(r"[A-Za-z0-9_-]{43}")


def new_word() -> str:
    """Of a new link."""
    return secrets.token_urlsafe(_OCTETS)


def digest_of(word: str) -> bytes | None:
    """What is stored of it; None for what cannot be one."""
    if _WORD.fullmatch(word) is None:
        return None
    return hashlib.sha256(word.encode()).digest()
