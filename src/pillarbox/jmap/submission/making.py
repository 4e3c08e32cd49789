"""A message is sent: from the client's wish to the commit that keeps it (RFC 8621 §7.5)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from pillarbox.accounts.directory import LocalTarget
from pillarbox.clock import unix_seconds
from pillarbox.flow.delivery import envelope as flow
from pillarbox.flow.delivery.keep import Kept
from pillarbox.flow.delivery.trace import FROM_PAGES
from pillarbox.flow.delivery.verdict import Refused
from pillarbox.ids import MessageId, new_journey
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.ids import number_of, submission_id
from pillarbox.jmap.submission.envelope import (
    Address,
    Envelope,
    envelope_of,
    invalid_recipients,
    read_envelope,
)
from pillarbox.jmap.submission.record import is_failed
from pillarbox.jmap.submission.refusals import refusal_of, sentence_of
from pillarbox.message.header import find_header_end
from pillarbox.message.part import Octets
from pillarbox.smtp.wire.errors import BadParameter
from pillarbox.smtp.wire.wishes import release_instant
from pillarbox.store.blobs.content import Content
from pillarbox.store.blobs.spool import Spool
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.model import MessageRow, RecipientState
from pillarbox.store.sql import email_places, identities, messages, submissions
from pillarbox.store.sql.identities import IdentityRow
from pillarbox.store.sql.submissions import Copy, NewSubmission, SubmissionRow

_SETTABLE = frozenset(("identityId", "emailId", "envelope"))
_HOUR = 3600


async def send(ctx: Context, given: dict[str, Any]) -> SubmissionRow:
    """Send what a client wants sent, once. Raises RecordRefused and the flow's errors."""
    wrong = [name for name, value in given.items() if name not in _SETTABLE and value is not None]
    if wrong:
        raise invalid_properties("Only the server sets these.", *wrong)
    found = await ctx.store.read(lambda db: _find(ctx, db, given))
    return await _Sending(ctx, *found).run(given.get("envelope"))


async def _find(
    ctx: Context, db: Reader, given: dict[str, Any]
) -> tuple[IdentityRow, MessageRow, Content]:
    """What the two ids mean. Raises RecordRefused invalidProperties."""
    number = number_of("I", _id(ctx, given, "identityId"))
    message = MessageId(number_of("M", _id(ctx, given, "emailId")))
    identity = next((i for i in await identities.all_of(db, ctx.account) if i.id == number), None)
    if identity is None:
        raise invalid_properties("There is no such identity.", "identityId")
    rows = await messages.get_many(db, ctx.account, [message])
    if message not in rows or not await email_places.places_of(db, ctx.account, [message]):
        raise invalid_properties("There is no such message.", "emailId")
    return identity, rows[message], ctx.store.contents([rows[message]])[0]


def _id(ctx: Context, given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise invalid_properties(f"{name} is an id.", name)
    return ctx.real_id(value)


class _Sending:
    """One message on its way."""

    def __init__(
        self, ctx: Context, identity: IdentityRow, message: MessageRow, content: Content
    ) -> None:
        self._ctx = ctx
        self._sending = ctx.services.sending
        self._identity = identity
        self._message = message
        self._content = content
        self._now = unix_seconds(ctx.services.clock.now())

    async def run(self, given: Any) -> SubmissionRow:
        """Raises RecordRefused and the flow's errors."""
        most = self._sending.rules.smtp.max_message_octets
        trace = len(self._message.trace)
        size = self._message.size - trace
        if size > most:
            raise RecordRefused("tooLarge", "The message is too large to send.", maxSize=most)
        with self._ctx.store.spool(most) as spool:
            async for piece in self._content.chunks(start=trace):
                spool.write(piece)
            octets = spool.octets()
            _check_lines(octets, size)
            wanted = read_envelope(given) if given is not None else self._generated(octets, size)
            return await self._hand_over(wanted, spool)

    def _generated(self, octets: Octets, size: int) -> Envelope:
        end = find_header_end(octets, size, self._sending.rules.smtp.max_header_octets)
        if end is None:
            raise RecordRefused("invalidEmail", "The header is too large.", properties=["headers"])
        return envelope_of(octets[:end], self._identity.address)

    async def _hand_over(self, wanted: Envelope, spool: Spool) -> SubmissionRow:
        way = self._sending.way
        octets, size = spool.octets(), spool.size
        sender = flow.Sender(
            reverse_path=wanted.mail_from.email,
            size=size,
            smtputf8=True,  # until it turns out that nothing needs it
            body="7BIT" if octets[:size].isascii() else "8BITMIME",
            **wanted.mail_from.values,
        )
        sender = self._timed(sender)
        origin = self._origin()
        refused = await way.check_sender(origin, sender.reverse_path)
        if refused is not None:
            raise refusal_of(refused)
        recipients = await self._recipients(origin, sender, wanted.rcpt_to)
        envelope = flow.Envelope(new_journey(), origin, sender, recipients)
        made: SubmissionRow | None = None

        async def then(tx: Transaction, kept_as: flow.Envelope, kept: Kept) -> None:
            nonlocal made  # of the last run: a transaction may be run twice
            await self._check_repeated(tx, wanted)
            made = await submissions.add(
                tx, self._ctx.account, self._new(wanted, _copies(kept_as, kept), envelope)
            )

        for outcome in await way.take(envelope, spool, then):
            if outcome is not None:
                raise refusal_of(outcome)
        assert made is not None
        return made

    def _timed(self, sender: flow.Sender) -> flow.Sender:
        """With the instant that a wish for a delay means. Raises RecordRefused."""
        if not sender.hold:
            return sender
        days = self._sending.rules.submission.max_hold_days
        try:
            return replace(sender, hold_until=release_instant(sender.hold, self._now, days))
        except BadParameter as error:
            raise invalid_properties(str(error), "envelope") from error

    def _origin(self) -> flow.Origin:
        ctx = self._ctx
        return flow.Origin(
            peer=ctx.peer,
            helo="",
            protocol=FROM_PAGES,
            session=new_journey(),
            account=ctx.account,
            login=ctx.identity.login,
        )

    async def _recipients(
        self, origin: flow.Origin, sender: flow.Sender, wanted: list[Address]
    ) -> tuple[flow.Recipient, ...]:
        """All of them, or RecordRefused with those that cannot be."""
        most = self._sending.rules.smtp.max_recipients
        if len(wanted) > most:
            sentence = f"A message goes to {most} recipients at most."
            raise RecordRefused("tooManyRecipients", sentence, maxRecipients=most)
        found, wrong, why = [], [], ""
        for one in wanted:
            targets = await self._sending.way.check_recipient(
                origin, one.email, sender.size, sender
            )
            if isinstance(targets, Refused):
                wrong.append(one.email)
                why = why or sentence_of(targets)
            else:
                found.append(flow.Recipient(one.email, targets, **one.values))
        if wrong:
            raise invalid_recipients(wrong, why)
        return tuple(found)

    async def _check_repeated(self, tx: Transaction, wanted: Envelope) -> None:
        """Whoever presses Send twice, or asks again after a lost answer, has sent it once."""
        hours = self._sending.rules.submission.no_repeat_hours
        if not hours:
            return
        account, since = self._ctx.account, tx.now() - hours * _HOUR
        before = await submissions.of_message(tx, account, self._message.id, since)
        for one in await submissions.some_of(tx, account, [row.id for row in before]):
            same = {to["email"] for to in one.rcpt_to} == {to.email for to in wanted.rcpt_to}
            if same and not is_failed(one.copies):
                raise RecordRefused(
                    "alreadyExists",
                    "This message was sent to these recipients already.",
                    existingId=submission_id(one.id),
                )

    def _new(self, wanted: Envelope, copies: list[Copy], envelope: flow.Envelope) -> NewSubmission:
        return NewSubmission(
            identity=self._identity.id,
            message=self._message.id,
            thread=self._message.thread,
            mail_from=wanted.mail_from.told,
            rcpt_to=[one.told for one in wanted.rcpt_to],
            send_at=self._sending.way.release_at(envelope) or self._now,
            copies=copies,
        )


def _check_lines(octets: Octets, size: int) -> None:
    """SMTP takes no CR or LF on its own, and neither may what goes out by it."""
    text = octets[:size]
    pairs = text.count(b"\r\n")
    if text.count(b"\n") != pairs or text.count(b"\r") != pairs:
        raise RecordRefused(
            "invalidEmail",
            "The message has a CR or LF on its own; every line must end with CR LF.",
            properties=["bodyStructure"],
        )


def _copies(envelope: flow.Envelope, kept: Kept) -> list[Copy]:
    """What was made of each recipient: copies in mailboxes, rows in the queue."""
    rows = {
        one.forward_path: (queued, number)
        for queued, recipients in kept.queued
        for number, one in enumerate(recipients)
    }
    found = []
    state = RecipientState.HELD if envelope.sender.hold_until else RecipientState.WAITING
    for recipient in envelope.recipients:
        for target in recipient.targets:
            if isinstance(target, LocalTarget):
                found.append(Copy(recipient.forward_path, RecipientState.DELIVERED))
            else:
                queued, number = rows[target.address]
                found.append(Copy(recipient.forward_path, state, "", queued, number))
    return found
