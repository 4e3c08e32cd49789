"""CHUNKING: BDAT in place of DATA (RFC 3030 §2)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, always
from pillarbox.smtp.server.verbs import bdat

EXTENSION = Extension(3030, "CHUNKING", always("CHUNKING"), verbs=(bdat.VERB,))
