"""SEARCHRES: `$`, the messages that the last search saved (RFC 5182); a part of IMAP4rev2, see
`commands.search_results`.
"""

from __future__ import annotations

from pillarbox.imap.server.command import Extension

EXTENSION = Extension(rfc=5182, capabilities=("SEARCHRES",), response_codes=("NOTSAVED",))
