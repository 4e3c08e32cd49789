"""ENHANCEDSTATUSCODES: replies carry X.Y.Z (RFC 2034); `wire.replies.Reply` has them always."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, always

EXTENSION = Extension(2034, "ENHANCEDSTATUSCODES", always("ENHANCEDSTATUSCODES"))
