"""BINARY: parts without their transfer encoding, and literals with NUL (RFC 3516).

IMAP4rev2 has its FETCH items in the base, so they stand in `commands.fetch_syntax`; literal8 is cut
by `wire.framing`. What is left is to say so.
"""

from __future__ import annotations

from pillarbox.imap.server.command import Extension

EXTENSION = Extension(rfc=3516, capabilities=("BINARY",), response_codes=("UNKNOWN-CTE",))
