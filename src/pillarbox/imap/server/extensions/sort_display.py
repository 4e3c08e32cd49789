"""SORT=DISPLAY: sorting by the names that people see (RFC 5957); see `commands.sort_order`."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension

EXTENSION = Extension(rfc=5957, capabilities=("SORT=DISPLAY",))
