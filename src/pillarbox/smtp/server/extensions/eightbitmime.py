"""8BITMIME (RFC 6152), and BINARYMIME's further value of BODY (RFC 3030 §3)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, Parameter, always
from pillarbox.smtp.wire.errors import BadParameter

_BODIES = ("7BIT", "8BITMIME", "BINARYMIME")


def parse_body(value: str | None) -> str:
    """Raises BadParameter."""
    body = (value or "").upper()
    if body not in _BODIES:
        raise BadParameter("BODY is 7BIT, 8BITMIME or BINARYMIME.")
    return body


EXTENSION = Extension(
    6152, "8BITMIME", always("8BITMIME"), mail=(Parameter("BODY", "body", parse_body),)
)
