"""ESEARCH: SEARCH with result options (RFC 4731); a part of IMAP4rev2, see `commands.search`."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension

EXTENSION = Extension(rfc=4731, capabilities=("ESEARCH",))
