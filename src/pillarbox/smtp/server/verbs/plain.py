"""RSET, NOOP, QUIT and HELP (RFC 5321 §4.1.1.5, §4.1.1.8 to §4.1.1.10)."""

from __future__ import annotations

from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.commands import parse_nothing
from pillarbox.smtp.wire.replies import Reply


async def run_rset(_: None, context: Context) -> Reply:
    """Forget the transaction."""
    context.reset()
    return answers.OK


async def run_noop(_: bytes, context: Context) -> Reply:
    """Nothing, whatever the argument."""
    return answers.OK


async def run_quit(_: None, context: Context) -> Reply:
    """Say good-bye, then close."""
    context.reset()
    context.closing = True
    return answers.BYE


async def run_help(topic: bytes, context: Context) -> Reply:
    """The commands, or the form of one."""
    verbs = context.dialect.verbs
    if verb := verbs.get(topic.upper()):
        return Reply(214, "0.0", verb.syntax)
    names = " ".join(name.decode() for name in sorted(verbs))
    return Reply(214, "0.0", f"Commands: {names}\nHELP and a command shows its form")


def _anything(arguments: bytes) -> bytes:
    return arguments


RSET = Verb(b"RSET", "RSET", When.ALWAYS, parse_nothing, run_rset)
NOOP = Verb(b"NOOP", "NOOP", When.ALWAYS, _anything, run_noop)
QUIT = Verb(b"QUIT", "QUIT", When.ALWAYS, parse_nothing, run_quit, is_idle=False)
HELP = Verb(b"HELP", "HELP [command]", When.ALWAYS, _anything, run_help)
