"""What JMAP answers when it cannot: for a request, a method call, or one record (RFC 8620)."""

from __future__ import annotations

from typing import Any

from pillarbox.errors import PillarboxError

_REQUEST = "urn:ietf:params:jmap:error:"


class RequestRefused(PillarboxError):
    """A whole request: problem details with an HTTP status (RFC 8620 §3.6.1)."""

    def __init__(self, kind: str, sentence: str, *, status: int = 400, limit: str = "") -> None:
        super().__init__(sentence)
        self.kind = kind  # "notJSON", "notRequest", "unknownCapability", "limit"
        self.status = status
        self.limit = limit  # the name of the limit that was met

    def problem(self) -> dict[str, Any]:
        """The body of the answer, `application/problem+json`."""
        told = {"type": _REQUEST + self.kind, "status": self.status, "detail": str(self)}
        return {**told, "limit": self.limit} if self.limit else told


class MethodRefused(PillarboxError):
    """A method call; nothing was changed (RFC 8620 §3.6.2)."""

    def __init__(self, kind: str, sentence: str = "", **more: Any) -> None:
        super().__init__(sentence or kind)
        self.kind = kind
        self.answer: dict[str, Any] = {"type": kind, **more}
        if sentence:
            self.answer["description"] = sentence


class RecordRefused(PillarboxError):
    """One record of a /set: a SetError (RFC 8620 §5.3)."""

    def __init__(self, kind: str, sentence: str = "", **more: Any) -> None:
        super().__init__(sentence or kind)
        self.kind = kind
        self.answer: dict[str, Any] = {"type": kind, **more}
        if sentence:
            self.answer["description"] = sentence


def invalid_arguments(sentence: str) -> MethodRefused:
    """An argument has a wrong type, is missing, or makes no sense."""
    return MethodRefused("invalidArguments", sentence)


def invalid_properties(sentence: str, *names: str) -> RecordRefused:
    """A record's properties cannot be what was asked for."""
    return RecordRefused("invalidProperties", sentence, properties=list(names))
