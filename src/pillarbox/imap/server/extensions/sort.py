"""SORT on the server (RFC 5256)."""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.commands.sort import COMMANDS

EXTENSION = Extension(rfc=5256, capabilities=("SORT",), commands=COMMANDS)
