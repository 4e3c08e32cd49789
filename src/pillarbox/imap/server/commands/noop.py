"""NOOP, CHECK, CAPABILITY and LOGOUT (RFC 9051 §6.1; CHECK: RFC 3501 §6.4.1)."""

from __future__ import annotations

from pillarbox.imap.server.command import ANY_STATE, SELECTED, CommandSpec, Done, parse_nothing
from pillarbox.imap.server.context import After, Context, State
from pillarbox.imap.wire import responses


async def run_noop(command: None, ctx: Context) -> Done:
    """What is new is told by the session."""
    return Done("nothing done")


async def run_check(command: None, ctx: Context) -> Done:
    """Everything is on disk before it is answered, so there is nothing to do."""
    return Done("all is kept")


async def run_capability(command: None, ctx: Context) -> Done:
    """What may be used in this state."""
    ctx.send(responses.Capability(ctx.capabilities()))
    return Done()


async def run_logout(command: None, ctx: Context) -> Done:
    """BYE, then OK, then the end."""
    ctx.leave()
    ctx.send(responses.bye("Good-bye"))
    ctx.state = State.LOGOUT
    ctx.after = After.CLOSE
    return Done()


COMMANDS = (
    CommandSpec("NOOP", ANY_STATE, parse_nothing, run_noop),
    CommandSpec("CHECK", SELECTED, parse_nothing, run_check),
    CommandSpec("CAPABILITY", ANY_STATE, parse_nothing, run_capability),
    CommandSpec("LOGOUT", ANY_STATE, parse_nothing, run_logout),
)
