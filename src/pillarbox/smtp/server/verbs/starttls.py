"""STARTTLS (RFC 3207 §4)."""

from __future__ import annotations

from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.commands import parse_nothing
from pillarbox.smtp.wire.replies import Reply


async def run(_: None, context: Context) -> Reply:
    """The connection changes to TLS behind this reply, and the session begins anew."""
    if not context.can_start_tls or context.peer.tls:
        return answers.NO_TLS_HERE
    if context.transaction is not None:
        return answers.NOT_IN_MAIL
    context.starting_tls = True
    return answers.READY_FOR_TLS


VERB = Verb(b"STARTTLS", "STARTTLS", When.ALWAYS, parse_nothing, run, last_in_group=True)
