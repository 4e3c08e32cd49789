"""IDLE: changes are told as they happen (RFC 9051 §6.3.13). The waiting is the connection's."""

from __future__ import annotations

from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, parse_nothing
from pillarbox.imap.server.context import After, Context


async def run_idle(command: None, ctx: Context) -> None:
    """The connection goes ahead, tells what is new already, and waits."""
    ctx.after = After.IDLE


COMMANDS = (CommandSpec("IDLE", AUTHENTICATED, parse_nothing, run_idle),)
