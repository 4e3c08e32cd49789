"""REQUIRETLS: the message travels under verified TLS all the way, or comes back (RFC 8689)."""

from __future__ import annotations

from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Extension, Parameter, no_value


def offer(context: Context) -> str | None:
    """Under TLS only (§2)."""
    return "REQUIRETLS" if context.peer.tls else None


EXTENSION = Extension(
    8689, "REQUIRETLS", offer, mail=(Parameter("REQUIRETLS", "requiretls", no_value),)
)
