"""PIPELINING: commands in bursts, answered in order by one write (RFC 2920)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, always

EXTENSION = Extension(2920, "PIPELINING", always("PIPELINING"))
