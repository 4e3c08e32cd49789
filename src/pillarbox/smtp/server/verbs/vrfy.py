"""VRFY and EXPN (RFC 5321 §3.5, §7.3): addresses are not told to strangers."""

from __future__ import annotations

from pillarbox.flow.delivery.verdict import Refused
from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.errors import BadMailbox, BadSyntax
from pillarbox.smtp.wire.paths import parse_mailbox
from pillarbox.smtp.wire.replies import Reply

_CANNOT_TELL = Reply(252, "5.0", "Send the message and see")  # RFC 5321 §3.5.3
_NO_LISTS = Reply(502, "5.1", "Lists are not shown")


def parse_vrfy(arguments: bytes) -> str:
    """A mailbox, or any string; SMTPUTF8 may stand behind it (RFC 6531 §3.7.4.2)."""
    if arguments.upper().endswith(b" SMTPUTF8"):
        arguments = arguments[:-9].rstrip()
    try:
        text = arguments.decode("utf-8")
    except UnicodeDecodeError:
        raise BadSyntax("The address is not UTF-8.") from None
    if not text:
        raise BadSyntax("VRFY takes an address.")
    return text.removeprefix("<").removesuffix(">")


async def run_vrfy(text: str, context: Context) -> Reply:
    """252 to all but signed-in clients."""
    if context.identity is None or not context.settings.vrfy:
        return _CANNOT_TELL
    try:
        address = parse_mailbox(text).address
    except BadMailbox:
        address = text  # only "postmaster" needs no domain; the directory says so
    found = await context.ways.inbound.check_recipient(context.origin(), address, 0)
    if isinstance(found, Refused):
        return answers.reply_to_refusal(found)
    return Reply(250, "1.5", f"<{address}>") if address.isascii() else _CANNOT_TELL


def _anything(arguments: bytes) -> bytes:
    return arguments


async def run_expn(_: bytes, context: Context) -> Reply:
    """Refused to everybody."""
    return _NO_LISTS


VRFY = Verb(b"VRFY", "VRFY <address>", When.ALWAYS, parse_vrfy, run_vrfy)
EXPN = Verb(b"EXPN", "EXPN is not offered", When.ALWAYS, _anything, run_expn)
