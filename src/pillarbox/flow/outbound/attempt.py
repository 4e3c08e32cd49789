"""One message over one connection: transactions until nobody is left, an outcome for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.flow.outbound.outcome import Job, Kind, Outcome, Report
from pillarbox.flow.outbound.pool import Line
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.client.transaction import (
    Body,
    MessageSource,
    OutgoingRecipient,
    OutgoingTransaction,
    RecipientOutcome,
    TransactionOutcome,
)
from pillarbox.store.model import LeasedRecipient

BROKEN_OFF = "The attempt was broken off before the other server answered."
_NO_ANSWER = "4.4.2"  # RFC 3463 §3.5: bad connection
_OUR_TROUBLE = "4.3.0"  # RFC 3463 §3.4: other or undefined mail system status

_KINDS = {
    "relayed": Kind.RELAYED,
    "later": Kind.LATER,
    "again": Kind.LATER,
    "failed": Kind.FAILED,
}


class Attempted(msgspec.Struct, frozen=True):
    """What became of a job on one connection."""

    outcomes: tuple[Outcome, ...]
    left: tuple[LeasedRecipient, ...] = ()  # the connection ended before they were decided
    failure: ClientFailure | None = None  # … and this is why


def is_strict(job: Job) -> bool:
    """Whether it must not travel without TLS; reports may (RFC 8689 §5)."""
    return job.message.requiretls and bool(job.message.reverse_path)


async def attempt(line: Line, job: Job, message: MessageSource, report: Report) -> Attempted:
    """Send to all recipients of a job; those that one transaction has no room for in the next.

    When it is cancelled between the last octet and the reply, `report` hears of the doubt.
    """
    outcomes: list[Outcome] = []
    waiting = job.recipients
    while waiting:
        if not line.connection.is_usable:  # it has had its number of messages
            return Attempted(tuple(outcomes), waiting)
        try:
            done = await line.connection.send(_transaction(line, job, waiting, message))
        except PillarboxError as error:  # its octets cannot be read
            return Attempted((*outcomes, *(_unreadable(one, error) for one in waiting)))
        except BaseException:
            doubtful = waiting if line.connection.is_in_doubt else ()
            outcomes += [_doubtful(line, one) for one in doubtful]
            await report(outcomes)
            raise
        line.fresh = False
        again = _again(done, waiting)
        if done.failure is None and len(again) == len(waiting):
            again = ()  # without progress it would never end
        outcomes += _outcomes(line, done, waiting, again)
        if done.failure is not None:
            return Attempted(tuple(outcomes), (*again, *_cut_off(done, waiting)), done.failure)
        waiting = again
    return Attempted(tuple(outcomes))


def _transaction(
    line: Line, job: Job, recipients: Sequence[LeasedRecipient], message: MessageSource
) -> OutgoingTransaction:
    queued = job.message
    requiretls = queued.requiretls and (is_strict(job) or line.trusted)
    return OutgoingTransaction(
        reverse_path=queued.reverse_path,
        recipients=tuple(
            OutgoingRecipient(one.forward_path, one.notify, one.orcpt) for one in recipients
        ),
        message=message,
        body=cast(Body, queued.body),
        smtputf8=queued.smtputf8,
        ret=queued.ret,
        envid=queued.envid,
        requiretls=requiretls,
    )


def _outcomes(
    line: Line,
    done: TransactionOutcome,
    recipients: Sequence[LeasedRecipient],
    again: Sequence[LeasedRecipient],
) -> list[Outcome]:
    """Of those that are decided."""
    return [
        _outcome(line, done, one, reply)
        for one, reply in zip(recipients, done.replies, strict=True)
        if one not in again and not _is_cut_off(done, reply)
    ]


def _again(
    done: TransactionOutcome, recipients: Sequence[LeasedRecipient]
) -> tuple[LeasedRecipient, ...]:
    pairs = zip(recipients, done.replies, strict=True)
    return tuple(one for one, reply in pairs if reply.kind == "again")


def _cut_off(
    done: TransactionOutcome, recipients: Sequence[LeasedRecipient]
) -> tuple[LeasedRecipient, ...]:
    pairs = zip(recipients, done.replies, strict=True)
    return tuple(one for one, reply in pairs if _is_cut_off(done, reply))


def _is_cut_off(done: TransactionOutcome, reply: RecipientOutcome) -> bool:
    """Whether another host may be tried: nobody answered it, and the message had not gone out."""
    failure = done.failure
    if failure is None or done.uncertain or reply.kind != "later":
        return False
    return reply.stage == failure.stage and reply.reply is failure.reply


def _outcome(
    line: Line, done: TransactionOutcome, recipient: LeasedRecipient, reply: RecipientOutcome
) -> Outcome:
    kind = _KINDS[reply.kind]
    tls = line.connection.tls
    return Outcome(
        queued=recipient.queued,
        number=recipient.number,
        kind=kind,
        reply=reply.text,
        status=reply.status,
        remote_mta=line.remote_mta if reply.reply is not None else "",
        tls=str(tls) if tls is not None else "",
        uncertain=done.uncertain and kind is Kind.LATER and reply.reply is None,
        sent_dsn=done.sent_dsn,
    )


def _unreadable(recipient: LeasedRecipient, error: PillarboxError) -> Outcome:
    return Outcome(
        queued=recipient.queued,
        number=recipient.number,
        kind=Kind.LATER,
        reply=str(error),
        status=_OUR_TROUBLE,
    )


def _doubtful(line: Line, recipient: LeasedRecipient) -> Outcome:
    tls = line.connection.tls
    return Outcome(
        queued=recipient.queued,
        number=recipient.number,
        kind=Kind.LATER,
        reply=BROKEN_OFF,
        status=_NO_ANSWER,
        tls=str(tls) if tls is not None else "",
        uncertain=True,
    )
