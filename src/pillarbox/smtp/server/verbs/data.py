"""DATA (RFC 5321 §4.1.1.4)."""

from __future__ import annotations

from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.reception import new_reception
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.commands import parse_nothing
from pillarbox.smtp.wire.data import DataDecoder
from pillarbox.smtp.wire.replies import Reply


async def run(_: None, context: Context) -> Reply:
    """The octets behind 354 are the message's."""
    transaction = context.transaction
    assert transaction is not None
    if transaction.reception is not None:
        return answers.BDAT_BEGAN
    if transaction.sender.body == "BINARYMIME":
        return answers.DATA_FOR_TEXT
    transaction.reception = context.receiving = new_reception(context, DataDecoder())
    return answers.START_DATA


# What stands behind DATA before our 354 would be read as commands if we refused: so none may.
VERB = Verb(
    b"DATA", "DATA", When.FOR_SOMEBODY, parse_nothing, run, last_in_group=True, is_idle=False
)
