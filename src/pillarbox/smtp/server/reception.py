"""A message as it comes in, by DATA or by BDAT: octets to the spool, then the flow, then 250."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.directory import LocalTarget, RemoteTarget
from pillarbox.errors import PillarboxError, TooLarge
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.smtp.server import answers, noting
from pillarbox.smtp.wire.bdat import BdatReader
from pillarbox.smtp.wire.data import DataDecoder
from pillarbox.smtp.wire.replies import Reply
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import MESSAGE_OCTETS, MESSAGES

if TYPE_CHECKING:
    from pillarbox.smtp.server.context import Context, Transaction
    from pillarbox.store.blobs.spool import Spool

log = get_logger("smtp")
_SHOWN = 20  # accounts and addresses in one line of the log
_OCTETS = MESSAGE_OCTETS.labels("smtp")
_ACCEPTED = MESSAGES.labels("smtp", "accepted", "")


class Reception:
    """Takes all octets of one message, the refused ones too, so that none is read as a command."""

    def __init__(self, spool: Spool, decoder: DataDecoder | BdatReader, ends_at: float) -> None:
        self.decoder = decoder
        self.ends_at = ends_at  # monotonic seconds: all octets must be in by then
        self.failed: Reply | None = None  # known before the end; the rest is thrown away
        self._spool: Spool | None = spool

    @property
    def is_whole(self) -> bool:
        """Whether the octets that were announced are in: the message, or a BDAT chunk."""
        if isinstance(self.decoder, DataDecoder):
            return self.decoder.done
        return self.decoder.chunk_done

    def feed(self, octets: bytes) -> bytes:
        """Take what is the message's, return what stands behind it."""
        text, rest = self.decoder.feed(octets)
        if self._spool is not None and text:
            if self.decoder.bare_newline:
                self.fail(answers.reply_to_refusal(Refused(Reason.BARE_NEWLINE)))
                return rest
            try:
                self._spool.write(text)
            except TooLarge:
                self.fail(answers.reply_to_refusal(Refused(Reason.MESSAGE_TOO_LARGE)))
            except PillarboxError as error:
                log.error_event("smtp.spool_failed", exc=True)
                self.fail(answers.reply_to_error(error))
        return rest

    def fail(self, reply: Reply) -> None:
        """The message will be refused with `reply`; its octets are not kept."""
        self.failed = self.failed or reply
        self.discard()

    def discard(self) -> None:
        """Give the spool back."""
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.discard()

    async def conclude(self, context: Context) -> list[Reply]:
        """All octets are in: take the message. One reply, with LMTP one for each recipient."""
        transaction = context.transaction
        assert transaction is not None
        if isinstance(self.decoder, BdatReader):
            self.decoder.finish()
        if self.decoder.bare_newline:
            self.fail(answers.reply_to_refusal(Refused(Reason.BARE_NEWLINE)))
        try:
            outcomes = await self._take(context, transaction)
        finally:
            self.discard()
            context.reset()
        if any(reply.is_positive for reply in outcomes):
            context.bad_commands = context.idle_commands = 0
        return outcomes if context.is_lmtp else outcomes[:1]

    async def _take(self, context: Context, transaction: Transaction) -> list[Reply]:
        spool = self._spool
        if self.failed is not None or spool is None:
            reply = self.failed or answers.FAULT
            _tell(context, transaction, "smtp.refused", 0, reply.text)
            _note(context, transaction, reply, "", None)
            return [reply] * len(transaction.recipients)
        size = spool.size
        envelope = transaction.envelope(split=context.is_lmtp)
        try:
            refusals = await context.way.take(envelope, spool)
        except PillarboxError as error:
            reply = answers.reply_to_error(error)
            outcome = "deferred" if reply.code < 500 else "refused"
            MESSAGES.labels("smtp", outcome, type(error).__name__).inc()
            _tell(context, transaction, f"smtp.{outcome}", size, str(error))
            _note(context, transaction, reply, type(error).__name__, spool)
            return [reply] * len(transaction.recipients)
        context.transactions += 1
        accepted = Reply(250, "0.0", f"Accepted as {transaction.journey}")
        replies: list[Reply] = []
        for refused in refusals:
            replies.append(accepted if refused is None else answers.reply_to_refusal(refused))
        _count(refusals, size)
        reasons = sorted({refused.reason for refused in refusals if refused is not None})
        for refused, reply in zip(refusals, replies, strict=True):
            if refused is not None:
                _note(context, transaction, reply, refused.reason, spool)
                break
        event = "smtp.accepted" if None in refusals else "smtp.refused"
        _tell(context, transaction, event, size, ",".join(reasons))
        return replies


def new_reception(context: Context, decoder: DataDecoder | BdatReader) -> Reception:
    """Room for one message of the largest size, and time for it."""
    settings = context.settings
    spool = context.services.store.spool(settings.max_message_octets)
    return Reception(spool, decoder, context.services.clock.monotonic() + settings.data_seconds)


def _count(refusals: list[Refused | None], size: int) -> None:
    if None in refusals:
        _ACCEPTED.inc()
        _OCTETS.observe(size)
    else:
        first = refusals[0]
        MESSAGES.labels("smtp", "refused", first.reason if first else "").inc()


def _note(
    context: Context, transaction: Transaction, reply: Reply, reason: str, spool: Spool | None
) -> None:
    recipients = [one.forward_path for one in transaction.recipients]
    noting.note_refusal(context, "DATA", reply, reason, recipients, spool=spool)


def _tell(context: Context, transaction: Transaction, event: str, size: int, reason: str) -> None:
    targets = [target for one in transaction.recipients for target in one.targets[:_SHOWN]]
    accounts = {target.account for target in targets if isinstance(target, LocalTarget)}
    onward = [target.address for target in targets if isinstance(target, RemoteTarget)]
    log.event(
        event,
        journey=transaction.journey,
        session=context.journey,
        peer=context.peer.address,
        sender=transaction.sender.reverse_path,
        recipients=len(transaction.recipients),
        accounts=sorted(accounts)[:_SHOWN],
        onward=onward[:_SHOWN] or None,
        octets=size,
        reason=reason or None,
    )
