"""What an app password may be used for."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One protocol that a person signs in to."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"
    JMAP = "jmap"


ALL_SCOPES = frozenset(Scope)


def encode_scopes(scopes: frozenset[Scope]) -> str:
    """As stored: names sorted, separated by one space."""
    return " ".join(sorted(scopes))


def decode_scopes(text: str) -> frozenset[Scope]:
    """From the store; names that this version does not know give no right."""
    return frozenset(Scope(word) for word in text.split() if word in ALL_SCOPES)
