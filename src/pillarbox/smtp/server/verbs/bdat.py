"""BDAT (RFC 3030 §2)."""

from __future__ import annotations

import msgspec

from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import Context
from pillarbox.smtp.server.reception import Reception, new_reception
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.wire.bdat import BdatReader
from pillarbox.smtp.wire.commands import parse_number
from pillarbox.smtp.wire.errors import BadSyntax
from pillarbox.smtp.wire.replies import Reply


class Bdat(msgspec.Struct, frozen=True):
    """BDAT chunk-size [LAST]; a size that cannot be read is None."""

    size: int | None
    last: bool

    @classmethod
    def parse(cls, arguments: bytes) -> Bdat:
        """Never raises: what to do about a size that is none is `run`'s business."""
        digits, _, word = arguments.partition(b" ")
        if word and word.upper() != b"LAST":
            return cls(None, False)
        try:
            return cls(parse_number(digits), bool(word))
        except BadSyntax:
            return cls(None, False)


async def run(command: Bdat, context: Context) -> Reply | None:
    """The next octets are a chunk, whatever is answered behind it.

    Without a size nobody knows where the chunk ends, and what it holds must not be read as
    commands: the connection is closed.
    """
    if command.size is None:
        context.closing = True
        return answers.NO_CHUNK_SIZE
    reception = _reception(context)
    context.receiving = reception
    assert isinstance(reception.decoder, BdatReader)
    reception.decoder.begin(command.size, last=command.last)
    return None


def _reception(context: Context) -> Reception:
    """The transaction's; where BDAT may not come, one that only eats the octets."""
    transaction = context.transaction
    if transaction is None:
        return _lost(context, answers.NOT_NOW_MAIL)
    if not transaction.recipients:
        return _lost(context, answers.NOT_NOW_RCPT)
    if transaction.reception is None:
        binary = transaction.sender.body == "BINARYMIME"
        transaction.reception = new_reception(context, BdatReader(binary=binary))
    return transaction.reception


def _lost(context: Context, reply: Reply) -> Reception:
    reception = new_reception(context, BdatReader(binary=True))
    reception.fail(reply)
    return reception


VERB = Verb(b"BDAT", "BDAT <octets> [LAST]", When.GREETED, Bdat.parse, run, is_idle=False)
