"""WITHIN: searching by age in seconds (RFC 5032)."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.search_keys import within

EXTENSION = Extension(
    rfc=5032,
    capabilities=("WITHIN",),
    search_keys={"YOUNGER": within(younger=True), "OLDER": within(younger=False)},
)
