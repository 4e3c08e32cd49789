"""What ends a connection to another server, or keeps it from coming about."""

from __future__ import annotations

from typing import Literal, cast

from pillarbox.net.outgoing.failure import LinkFailure, TlsTrouble
from pillarbox.smtp.wire.reply_reader import PeerReply

Stage = Literal[
    "connect", "greeting", "ehlo", "starttls", "tls", "auth", "reset", "mail", "rcpt", "data", "end"
]  # "data" lasts to the last octet of the message, "end" is the wait for its reply


class ClientFailure(LinkFailure):
    """The conversation cannot go on. `str()` is a sentence; a reply is there where one said so."""

    def __init__(
        self,
        stage: Stage | str,
        why: str,
        *,
        reply: PeerReply | None = None,
        temporary: bool = True,
        tls_trouble: TlsTrouble = "",
    ) -> None:
        super().__init__(stage, why, tls_trouble=tls_trouble)
        self.stage: Stage = cast(Stage, stage)
        self.reply = reply
        self.temporary = temporary

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
