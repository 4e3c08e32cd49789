"""What ends a POP3 conversation, or keeps it from coming about."""

from __future__ import annotations

from typing import Literal, cast

from pillarbox.net.outgoing.failure import LinkFailure, TlsTrouble
from pillarbox.pop3.client.responses import Status

Stage = Literal[
    "connect", "greeting", "tls", "capabilities", "mechanism", "auth", "listing", "message",
    "delete", "quit",
]  # fmt: skip
# "mechanism": we ourselves cannot, or will not, sign in as the server offers it


class Pop3Failure(LinkFailure):
    """The conversation cannot go on. `status`: the server's own word, where it is one."""

    def __init__(
        self,
        stage: Stage | str,
        why: str,
        *,
        status: Status | None = None,
        tls_trouble: TlsTrouble = "",
    ) -> None:
        super().__init__(stage, why, tls_trouble=tls_trouble)
        self.stage: Stage = cast(Stage, stage)
        self.status = status
        self.login_delay = 0  # seconds between two sessions that the server told (RFC 2449 §6.5)


def refusal(stage: Stage, status: Status) -> Pop3Failure:
    """The server answered no where the conversation cannot go on without a yes."""
    code = f"[{status.code}] " if status.code else ""
    return Pop3Failure(stage, f"The other server refused: {code}{status.text}", status=status)
