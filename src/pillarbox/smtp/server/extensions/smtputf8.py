"""SMTPUTF8: addresses and header fields in UTF-8 (RFC 6531)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, Parameter, always, no_value

EXTENSION = Extension(
    6531, "SMTPUTF8", always("SMTPUTF8"), mail=(Parameter("SMTPUTF8", "smtputf8", no_value),)
)
