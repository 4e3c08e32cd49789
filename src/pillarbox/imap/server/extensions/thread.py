"""THREAD on the server, by subject and by references (RFC 5256)."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.thread import ALGORITHMS, COMMANDS

EXTENSION = Extension(
    rfc=5256,
    capabilities=tuple(f"THREAD={name}" for name in ALGORITHMS),
    commands=COMMANDS,
)
