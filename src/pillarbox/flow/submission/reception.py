"""Mail from our users: from RCPT to the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.clock import unix_seconds
from pillarbox.flow.delivery.envelope import Handling, through_queue
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.flow.submission.alignment import (
    Authors,
    check_envelope_sender,
    check_sender_field,
    look_at_authors,
)
from pillarbox.flow.submission.fixups import Stamp, apply_fixups, plan_fixups
from pillarbox.flow.submission.limits import DailyLimits
from pillarbox.flow.submission.seven_bit import (
    body_of,
    is_plain,
    leaves,
    plan_seven_bit,
    write_plan,
)
from pillarbox.message.date import format_date
from pillarbox.message.header import find_header_end
from pillarbox.store.sql.send_as import route_to

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.config.submission import SubmissionSettings
    from pillarbox.flow.delivery.envelope import Envelope, Origin, Sender, Targets, Then
    from pillarbox.flow.delivery.expand import RecipientPolicy
    from pillarbox.flow.delivery.local import Deliverer
    from pillarbox.flow.delivery.signing import Signer
    from pillarbox.ids import AccountId
    from pillarbox.store import Store, Transaction
    from pillarbox.store.blobs.spool import Spool


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator set."""

    smtp: SmtpSettings  # bounds that all doors of SMTP share
    submission: SubmissionSettings


class Submission:
    """The way of mail that an account sends; far recipients go to the queue."""

    def __init__(
        self,
        store: Store,
        deliverer: Deliverer,
        directory: Directory,
        rules: Rules,
        *,
        signer: Signer,
        clock: Clock,
        recipients: RecipientPolicy | None = None,
    ) -> None:
        """`recipients` is asked in place of the directory where it is given (localserve)."""
        self._store = store
        self._deliverer = deliverer
        self._directory = directory
        self._rules = rules.submission
        self._limits = DailyLimits(rules.submission)
        self._signer = signer
        self._settings = rules.smtp
        self._clock = clock
        self._recipients = recipients

    async def check_sender(self, origin: Origin, reverse_path: str) -> Refused | None:
        """Whether the account may use this envelope sender."""
        return await check_envelope_sender(self._directory, _account(origin), reverse_path)

    async def check_recipient(
        self, origin: Origin, address: str, size: int, sender: Sender | None = None
    ) -> Targets | Refused:
        """Ours must exist and have room; all others are taken for the queue."""
        if self._recipients is not None:
            return await self._recipients.check_recipient(address, size)
        targets = await expand(self._directory, address, size)
        if isinstance(targets, Refused) and targets.reason is Reason.UNKNOWN_DOMAIN:
            return (RemoteTarget(address),)
        return targets

    async def take(
        self, envelope: Envelope, spool: Spool, then: Then | None = None
    ) -> list[Refused | None]:
        """Judge, mend, sign, keep, deliver; one outcome for all recipients.

        `then` runs in the transaction that keeps the message, with the envelope as it was kept.
        """
        authors = await self._judge(envelope, spool)
        if isinstance(authors, Refused):
            return [authors] * len(envelope.recipients)
        octets = spool.octets()
        if authors.remote is not None:
            envelope = _through_remote(envelope, authors)
        fixups = plan_fixups(octets, spool.size, self._stamp(envelope, authors))
        if fixups is None:
            return await self._deliver(envelope, authors, spool, then)
        room = spool.size + len(fixups.in_front)
        with self._store.spool(room) as mended:
            for piece in apply_fixups(octets, spool.size, fixups):
                mended.write(piece)
            return await self._deliver(envelope, authors, mended, then)

    async def _judge(self, envelope: Envelope, spool: Spool) -> Authors | Refused:
        account = _account(envelope.origin)
        octets = spool.octets()
        end = find_header_end(octets, spool.size, self._settings.max_header_octets)
        if end is None:
            return Refused(Reason.HEADER_TOO_LARGE)
        directory = self._directory
        authors = await look_at_authors(
            directory,
            account,
            octets[:end],
            self._settings.max_authors,
            known=_known(envelope),
        )
        if isinstance(authors, Refused):
            return authors
        if self._settings.check_from:
            if not authors.are_own:
                return Refused(Reason.FROM_NOT_YOURS)
            refused = await check_sender_field(directory, account, octets[:end], authors.remote)
            if refused is not None:
                return refused
        if authors.remote is None and not await self._is_own(envelope):
            return Refused(
                Reason.SENDER_NOT_YOURS,
                "The envelope's sender is an address elsewhere, and the address in the From field "
                "is another.",
            )
        return authors

    async def _is_own(self, envelope: Envelope) -> bool:
        """Whether the envelope's sender, which was let through, is more than a remote account's."""
        reverse_path = envelope.sender.reverse_path
        if not reverse_path or reverse_path == envelope.origin.login:
            return True
        return await self._directory.may_send_as(_account(envelope.origin), reverse_path)

    async def _deliver(
        self, envelope: Envelope, authors: Authors, spool: Spool, then: Then | None
    ) -> list[Refused | None]:
        account = _account(envelope.origin)

        async def count(tx: Transaction) -> None:
            await self._limits.count(tx, account, envelope)

        release_at = self.release_at(envelope)
        handling = Handling(release_at=release_at, along=count, then=then)
        if authors.remote is not None:  # its provider signs
            handling = replace(handling, route=route_to(authors.remote))
            return await self._hand_over(envelope, spool, handling)
        if not self._rules.sign or not authors.are_own:
            return await self._hand_over(envelope, spool, handling)
        domain = authors.domain or _sender(envelope).rpartition("@")[2]
        octets, size, sender = spool.octets(), spool.size, envelope.sender
        plan = None
        if leaves(envelope) and await self._signer.has_key(domain):
            plan = await plan_seven_bit(octets, size, sender.body)
        if plan is None:
            added = await self._signer.sign(domain, octets, size)
            return await self._hand_over(envelope, spool, replace(handling, added=added))
        body = body_of(octets, size, sender.body)
        envelope = replace(envelope, sender=replace(sender, body=body))
        with self._store.spool(plan.size) as fit:
            await write_plan(plan, size, fit)
            added = await self._signer.sign(domain, fit.octets(), fit.size)
            return await self._hand_over(envelope, fit, replace(handling, added=added))

    async def _hand_over(
        self, envelope: Envelope, spool: Spool, handling: Handling
    ) -> list[Refused | None]:
        if envelope.sender.smtputf8 and await is_plain(envelope, spool.octets(), spool.size):
            envelope = replace(envelope, sender=replace(envelope.sender, smtputf8=False))
        if handling.release_at is not None:
            envelope = through_queue(envelope)
        return await self._deliverer.deliver(envelope, spool, handling)

    def release_at(self, envelope: Envelope) -> int | None:
        """The later of what the sender asked for (RFC 4865) and our own pause for undoing."""
        asked = envelope.sender.hold_until
        if not asked and not self._rules.hold_seconds:
            return None
        return max(asked, unix_seconds(self._clock.now()) + self._rules.hold_seconds)

    def _stamp(self, envelope: Envelope, authors: Authors) -> Stamp:
        sender = _sender(envelope)
        domain = sender.rpartition("@")[2]
        return Stamp(
            date=format_date(self._clock.now()),
            message_id=f"{envelope.journey}.{envelope.origin.session}@{domain}",
            from_address=sender,
            sender=sender if authors.wants_sender else "",
        )


def _known(envelope: Envelope) -> str:
    """The account's own address, where it is the envelope's sender and so was looked up."""
    reverse_path = envelope.sender.reverse_path
    return reverse_path if reverse_path == envelope.origin.login else ""


def _through_remote(envelope: Envelope, authors: Authors) -> Envelope:
    """All recipients by that way, our own, too: only the provider can say that the author is who
    it says, and its mail comes in to them as anybody's. Its server takes its own senders only.
    """
    sender = envelope.sender
    if sender.reverse_path:
        sender = replace(sender, reverse_path=authors.address)
    return replace(through_queue(envelope), sender=sender)


def _sender(envelope: Envelope) -> str:
    return envelope.sender.reverse_path or envelope.origin.login


def _account(origin: Origin) -> AccountId:
    if origin.account is None:
        raise RuntimeError("submission without a signed-in account")  # the session refuses before
    return origin.account
