"""SIZE: the client says how large the message is before it sends it (RFC 1870)."""

from __future__ import annotations

from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Extension, Parameter
from pillarbox.smtp.wire.commands import parse_number
from pillarbox.smtp.wire.errors import BadParameter, BadSyntax


def offer(context: Context) -> str:
    """With the limit that holds."""
    return f"SIZE {context.settings.max_message_octets}"


def parse_size(value: str | None) -> int:
    """Octets. Raises BadParameter."""
    try:
        return parse_number((value or "").encode())
    except BadSyntax:
        raise BadParameter("SIZE takes a number of octets.") from None


EXTENSION = Extension(1870, "SIZE", offer, mail=(Parameter("SIZE", "size", parse_size),))
