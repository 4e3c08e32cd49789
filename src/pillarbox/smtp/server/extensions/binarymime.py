"""BINARYMIME: messages that are not lines (RFC 3030 §3); BODY is read in `eightbitmime`."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, always

EXTENSION = Extension(3030, "BINARYMIME", always("BINARYMIME"))
