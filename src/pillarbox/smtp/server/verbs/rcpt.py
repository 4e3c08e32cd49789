"""RCPT (RFC 5321 §4.1.1.3)."""

from __future__ import annotations

import msgspec

from pillarbox.accounts.directory import LocalTarget
from pillarbox.flow.delivery.envelope import Recipient
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.smtp.server import answers, noting
from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.verb import COMMAND_OCTETS, Verb, When, read_parameters
from pillarbox.smtp.wire.paths import Path, parse_forward_path
from pillarbox.smtp.wire.replies import Reply
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import RECIPIENTS

log = get_logger("smtp")

MAX_OCTETS = COMMAND_OCTETS + 28 + 500  # RFC 3461 §4: NOTIFY and ORCPT
_LOCAL = RECIPIENTS.labels("smtp", "local")
_REMOTE = RECIPIENTS.labels("smtp", "remote")
_REFUSED = RECIPIENTS.labels("smtp", "refused")


class Rcpt(msgspec.Struct, frozen=True):
    """RCPT TO:<path> parameters."""

    path: Path
    parameters: str

    @classmethod
    def parse(cls, arguments: bytes) -> Rcpt:
        """Raises BadSyntax."""
        return cls(*parse_forward_path(arguments))


async def run(command: Rcpt, context: Context) -> Reply:
    """Take or refuse one recipient: who is not here is told so now, not by a bounce."""
    transaction = context.transaction
    assert transaction is not None
    if transaction.reception is not None:
        return answers.BDAT_BEGAN
    if len(transaction.recipients) >= context.settings.max_recipients:
        return answers.TOO_MANY_RECIPIENTS
    sender = transaction.sender
    if not sender.smtputf8 and not command.path.is_ascii:
        return answers.NOT_ASCII
    wishes: dict[str, str] = {}
    if command.parameters:
        wishes = read_parameters(command.parameters, context.dialect.rcpt, context)
    address = command.path.address
    targets = await context.way.check_recipient(transaction.origin, address, sender.size, sender)
    if isinstance(targets, Refused):
        return _refuse(context, address, targets)
    transaction.recipients.append(Recipient(address, targets, **wishes))
    (_LOCAL if any(isinstance(target, LocalTarget) for target in targets) else _REMOTE).inc()
    return answers.RECIPIENT_OK


def _refuse(context: Context, address: str, refused: Refused) -> Reply:
    _REFUSED.inc()
    assert context.transaction is not None
    log.event(
        "smtp.recipient_refused",
        journey=context.transaction.journey,
        session=context.journey,
        peer=context.peer.address,
        recipient=address,
        reason=refused.reason,
    )
    if refused.reason is Reason.ASKED_CLOSE:
        context.closing = True
    reply = answers.reply_to_refusal(refused)
    noting.note_refusal(context, "RCPT", reply, refused.reason, (address,))
    return reply


VERB = Verb(
    b"RCPT",
    "RCPT TO:<address> [parameters]",
    When.IN_MAIL,
    Rcpt.parse,
    run,
    is_idle=False,
    max_octets=MAX_OCTETS,
)
