"""EHLO, HELO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1)."""

from __future__ import annotations

from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.paths import parse_helo_name
from pillarbox.smtp.wire.replies import Reply

_WRONG_FOR_LMTP = Reply(500, "5.1", "This is LMTP: say LHLO")
_WRONG_FOR_SMTP = Reply(500, "5.1", "This is SMTP: say EHLO")


async def run_ehlo(name: str, context: Context) -> Reply:
    """Begin (again) and tell what is offered."""
    if context.is_lmtp:
        return _WRONG_FOR_LMTP
    return _extended(name, context)


async def run_lhlo(name: str, context: Context) -> Reply:
    """The same for LMTP."""
    if not context.is_lmtp:
        return _WRONG_FOR_SMTP
    return _extended(name, context)


async def run_helo(name: str, context: Context) -> Reply:
    """Begin without extensions."""
    if context.is_lmtp:
        return _WRONG_FOR_LMTP
    context.reset()
    context.helo, context.is_extended = name, False
    return Reply(250, "", context.services.hostname)


def _extended(name: str, context: Context) -> Reply:
    context.reset()
    context.helo, context.is_extended = name, True
    lines = [context.services.hostname]
    for extension in context.dialect.extensions:
        if (line := extension.offer(context)) is not None:
            lines.append(line)
    return Reply(250, "", "\n".join(lines))


EHLO = Verb(b"EHLO", "EHLO <your host name>", When.ALWAYS, parse_helo_name, run_ehlo)
HELO = Verb(b"HELO", "HELO <your host name>", When.ALWAYS, parse_helo_name, run_helo)
LHLO = Verb(b"LHLO", "LHLO <your host name>", When.ALWAYS, parse_helo_name, run_lhlo)
