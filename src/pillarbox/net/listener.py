"""What a listening socket is for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Security(StrEnum):
    NONE = "none"  # plain for ever: LMTP on a Unix socket, health on loopback
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class Listener:
    """One entry of the configuration's listeners, as its door sees it."""

    name: str  # "imaps"
    role: str  # "mx", "submission", "lmtp", "imap", "pop3", "web", "http"
    security: Security
