"""STARTTLS (RFC 3207)."""

from __future__ import annotations

from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Extension
from pillarbox.smtp.server.verbs import starttls


def offer(context: Context) -> str | None:
    """Until TLS stands, where there is a certificate."""
    return "STARTTLS" if context.can_start_tls and not context.peer.tls else None


EXTENSION = Extension(3207, "STARTTLS", offer, verbs=(starttls.VERB,))
