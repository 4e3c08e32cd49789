"""MAIL (RFC 5321 §4.1.1.2)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from pillarbox.flow.delivery.envelope import Sender
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.smtp.server import answers, noting
from pillarbox.smtp.server.context import SUBMISSION, Context, Transaction
from pillarbox.smtp.server.extensions import futurerelease
from pillarbox.smtp.server.verb import COMMAND_OCTETS, Verb, When, read_parameters
from pillarbox.smtp.wire.paths import Path, parse_reverse_path
from pillarbox.smtp.wire.replies import Reply

# RFC 1870 §3: 26, RFC 4954 §3: 500, RFC 6152: 17, RFC 6531 §3.1: 10, RFC 3461 §4: ENVID and RET,
# RFC 4865 §3: 34, RFC 8689 §2: 11;
# and UTF-8 makes an address longer than ASCII does.
MAX_OCTETS = COMMAND_OCTETS + 26 + 500 + 17 + 10 + 120 + 34 + 11 + 16


class Mail(msgspec.Struct, frozen=True):
    """MAIL FROM:<path> parameters."""

    path: Path
    parameters: str

    @classmethod
    def parse(cls, arguments: bytes) -> Mail:
        """Raises BadSyntax."""
        return cls(*parse_reverse_path(arguments))


async def run(command: Mail, context: Context) -> Reply:
    """Open a transaction."""
    if context.transaction is not None:
        return Reply(503, "5.1", "The last message is not finished; RSET forgets it")
    if context.role == SUBMISSION and context.identity is None:
        return answers.SIGN_IN_FIRST if context.is_secure else answers.TLS_FIRST
    if context.transactions >= context.settings.max_transactions:
        context.closing = True
        return answers.TOO_MANY_MESSAGES
    address = command.path.address
    if command.parameters:
        values = read_parameters(command.parameters, context.dialect.mail, context)
        sender = Sender(reverse_path=address, **values)
        if sender.size > context.settings.max_message_octets:
            return answers.reply_to_refusal(Refused(Reason.MESSAGE_TOO_LARGE))
        if sender.hold:
            sender = replace(sender, hold_until=futurerelease.release_instant(sender.hold, context))
    else:
        sender = Sender(reverse_path=address)
    if not sender.smtputf8 and not command.path.is_ascii:
        return answers.NOT_ASCII
    origin = context.origin(smtputf8=sender.smtputf8)
    refused = await context.way.check_sender(origin, address)
    if refused is not None:
        reply = answers.reply_to_refusal(refused)
        noting.note_refusal(context, "MAIL", reply, refused.reason, sender=address)
        return reply
    context.transaction = Transaction(sender, origin)
    return answers.SENDER_OK


VERB = Verb(
    b"MAIL",
    "MAIL FROM:<address> [parameters]",
    When.GREETED,
    Mail.parse,
    run,
    max_octets=MAX_OCTETS,
)
