"""ESORT: SORT with result options (RFC 5267 §3.1); see `commands.sort`."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension

EXTENSION = Extension(rfc=5267, capabilities=("ESORT",))
