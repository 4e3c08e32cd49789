"""What ends a connection to another server, or keeps it from coming about."""

from __future__ import annotations

from typing import Literal

from pillarbox.errors import PillarboxError

# What went wrong with TLS, in the words of RFC 8460 §4.3; "" for anything else.
TlsTrouble = Literal[
    "",
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
]


class LinkFailure(PillarboxError):
    """The conversation cannot go on; `str()` is a sentence. Each protocol has a subclass."""

    def __init__(self, stage: str, why: str, *, tls_trouble: TlsTrouble = "") -> None:
        super().__init__(why)
        self.stage = stage  # how far it was: "connect", "greeting", "tls", …
        self.why = why
        self.tls_trouble: TlsTrouble = tls_trouble
        self.timed_out = False  # the peer was still there, and silent
