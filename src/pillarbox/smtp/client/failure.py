"""What ends a connection to another server, or keeps it from coming about."""

from __future__ import annotations

from typing import Literal

from pillarbox.errors import PillarboxError
from pillarbox.smtp.wire.reply_reader import PeerReply

Stage = Literal[
    "connect", "greeting", "ehlo", "starttls", "tls", "auth", "reset", "mail", "rcpt", "data", "end"
]  # "data" lasts to the last octet of the message, "end" is the wait for its reply

# What went wrong with TLS, in the words of RFC 8460 §4.3; "" for anything else.
TlsTrouble = Literal[
    "",
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
]


class ClientFailure(PillarboxError):
    """The conversation cannot go on. `str()` is a sentence; a reply is there where one said so."""

    def __init__(
        self,
        stage: Stage,
        why: str,
        *,
        reply: PeerReply | None = None,
        temporary: bool = True,
        tls_trouble: TlsTrouble = "",
    ) -> None:
        super().__init__(why)
        self.stage: Stage = stage
        self.why = why
        self.reply = reply
        self.temporary = temporary
        self.tls_trouble: TlsTrouble = tls_trouble

    @property
    def status(self) -> str:
        """An enhanced status: the reply's, else one of ours (RFC 3463 §3.5, §3.8)."""
        if self.reply is not None:
            return self.reply.status
        if self.stage == "auth":
            return "4.7.8" if self.temporary else "5.7.8"
        if self.tls_trouble:
            return "4.7.5" if self.temporary else "5.7.5"
        return "4.4.1" if self.stage == "connect" else "4.4.2"


def refusal(stage: Stage, reply: PeerReply) -> ClientFailure:
    """The peer answered no where the conversation cannot go on without a yes."""
    return ClientFailure(
        stage,
        f"The other server refused: {reply.one_line}",
        reply=reply,
        temporary=not reply.is_permanent,
    )
