"""Mail from our users: from RCPT to the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.flow.submission.alignment import check_envelope_sender, check_from_field
from pillarbox.flow.submission.fixups import Stamp, apply_fixups, plan_fixups
from pillarbox.message.date import format_date
from pillarbox.message.header import header_end

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.flow.delivery.envelope import Envelope, Origin, Targets
    from pillarbox.flow.delivery.expand import RecipientPolicy
    from pillarbox.flow.delivery.local import Deliverer
    from pillarbox.flow.submission.limits import SendingLimits
    from pillarbox.ids import AccountId
    from pillarbox.store import Store
    from pillarbox.store.blobs.spool import Spool


class Submission:
    """The way of mail that an account sends; far recipients go to the queue."""

    def __init__(
        self,
        store: Store,
        deliverer: Deliverer,
        directory: Directory,
        settings: SmtpSettings,
        *,
        limits: SendingLimits,
        clock: Clock,
        recipients: RecipientPolicy | None = None,
    ) -> None:
        """`recipients` is asked in place of the directory where it is given (localserve)."""
        self._store = store
        self._deliverer = deliverer
        self._directory = directory
        self._limits = limits
        self._settings = settings
        self._clock = clock
        self._recipients = recipients

    async def check_sender(self, origin: Origin, reverse_path: str) -> Refused | None:
        """Whether the account may use this envelope sender."""
        return await check_envelope_sender(self._directory, _account(origin), reverse_path)

    async def check_recipient(self, origin: Origin, address: str, size: int) -> Targets | Refused:
        """Ours must exist and have room; all others are taken for the queue."""
        if self._recipients is not None:
            return await self._recipients.check_recipient(address, size)
        targets = await expand(self._directory, address, size)
        if isinstance(targets, Refused) and targets.reason is Reason.UNKNOWN_DOMAIN:
            return (RemoteTarget(address),)
        return targets

    async def take(self, envelope: Envelope, spool: Spool) -> list[Refused | None]:
        """Judge, mend, keep, deliver; one outcome for all recipients."""
        refused = await self._judge(envelope, spool)
        if refused is not None:
            return [refused] * len(envelope.recipients)
        octets = spool.octets()
        fixups = plan_fixups(octets, spool.size, self._stamp(envelope))
        if fixups is None:
            return await self._deliverer.deliver(envelope, spool)
        room = spool.size + len(fixups.in_front)
        with self._store.spool(room) as mended:
            for piece in apply_fixups(octets, spool.size, fixups):
                mended.write(piece)
            return await self._deliverer.deliver(envelope, mended)

    async def _judge(self, envelope: Envelope, spool: Spool) -> Refused | None:
        account = _account(envelope.origin)
        octets, limit = spool.octets(), self._settings.max_header_octets
        end = header_end(octets, 0, min(spool.size, limit + 1))
        if end > limit:
            return Refused(Reason.HEADER_TOO_LARGE)
        if self._settings.check_from:
            refused = await check_from_field(
                self._directory, account, octets[:end], self._settings.max_authors
            )
            if refused is not None:
                return refused
        return await self._limits.check_sending(envelope)

    def _stamp(self, envelope: Envelope) -> Stamp:
        sender = envelope.sender.reverse_path or envelope.origin.login
        domain = sender.rpartition("@")[2]
        return Stamp(
            date=format_date(self._clock.now()),
            message_id=f"{envelope.journey}.{envelope.origin.session}@{domain}",
            from_address=sender,
        )


def _account(origin: Origin) -> AccountId:
    if origin.account is None:
        raise RuntimeError("submission without a signed-in account")  # the session refuses before
    return origin.account
