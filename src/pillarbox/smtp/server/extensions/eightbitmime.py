"""8BITMIME: octets beyond ASCII in the text (RFC 6152)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, Parameter, always
from pillarbox.smtp.wire.wishes import parse_body

EXTENSION = Extension(
    6152, "8BITMIME", always("8BITMIME"), mail=(Parameter("BODY", "body", parse_body),)
)
