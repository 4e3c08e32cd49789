"""What ends a conversation with another IMAP server, or one command of it."""

from __future__ import annotations

from typing import Literal

from pillarbox.imap.client.responses import Condition, ResponseCode
from pillarbox.net.outgoing.failure import LinkFailure, TlsTrouble
from pillarbox.net.outgoing.frames import BadFrame

Answer = Literal["", "NO", "BAD", "BYE"]


class ImapFailure(LinkFailure):
    """The link broke (`answer` is ""), the server took its leave (BYE), or it said NO or BAD.

    After NO and BAD the connection can be used on, unless it was signing in or beginning TLS.
    """

    def __init__(
        self,
        stage: str,
        why: str,
        *,
        condition: Condition | None = None,
        tls_trouble: TlsTrouble = "",
    ) -> None:
        super().__init__(stage, why, tls_trouble=tls_trouble)
        self.condition = condition

    @property
    def answer(self) -> Answer:
        """What the server answered; "" where the link itself failed."""
        if self.condition is None:
            return ""
        kind = self.condition.kind
        return kind if kind == "NO" or kind == "BAD" or kind == "BYE" else ""

    @property
    def code(self) -> ResponseCode | None:
        """The response code that came with it."""
        return self.condition.code if self.condition is not None else None

    @property
    def code_name(self) -> str:
        """The code's name in upper case; "" where there is none."""
        return self.code.name if self.code is not None else ""

    @property
    def text(self) -> str:
        """The server's own words; "" where it said nothing."""
        return self.condition.text if self.condition is not None else ""

    @property
    def ended(self) -> bool:
        """Whether the connection is over."""
        return self.answer in ("", "BYE")


def nonsense(stage: str, sentence: str) -> ImapFailure:
    """What the server says is IMAP, and makes no sense; close the link, too."""
    failure = ImapFailure(stage, sentence)
    failure.__cause__ = BadFrame(sentence)
    return failure


def refusal(stage: str, condition: Condition) -> ImapFailure:
    """NO, BAD or BYE where a yes was needed."""
    code = f" [{condition.code.name}]" if condition.code is not None else ""
    said = f"{condition.kind}{code} {condition.text}".rstrip()
    why = "took its leave" if condition.kind == "BYE" else "refused"
    return ImapFailure(stage, f"The other server {why}: {said}", condition=condition)
