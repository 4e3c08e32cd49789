"""Mail from elsewhere, by port 25 or LMTP: from RCPT to the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.flow.delivery.verdict import Refused
from pillarbox.flow.inbound.policy import decide, gather_facts

if TYPE_CHECKING:
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.flow.delivery.envelope import Envelope, Origin, Sender, Targets
    from pillarbox.flow.delivery.local import Deliverer
    from pillarbox.flow.inbound.judge import Judge
    from pillarbox.flow.inbound.recipients import RecipientPolicy
    from pillarbox.store.blobs.spool import Spool


class Inbound:
    """The way in."""

    def __init__(
        self,
        deliverer: Deliverer,
        recipients: RecipientPolicy,
        settings: SmtpSettings,
        judge: Judge | None = None,
    ) -> None:
        """Without a judge all mail is taken as it comes."""
        self._deliverer = deliverer
        self._recipients = recipients
        self._settings = settings
        self._judge = judge

    async def check_sender(self, origin: Origin, reverse_path: str) -> Refused | None:
        """Anybody may write to us."""
        return None

    async def check_recipient(
        self, origin: Origin, address: str, size: int, sender: Sender | None = None
    ) -> Targets | Refused:
        """Whether an address is ours and has room, and whether the client may write to it.

        Without a sender (VRFY) only the first.
        """
        is_report = sender is not None and not sender.reverse_path
        targets = await self._recipients.check_recipient(address, size, is_report=is_report)
        judge = self._judge
        if isinstance(targets, Refused) or judge is None or sender is None:
            return targets
        if not judge.is_concerned(origin):
            return targets
        return await judge.check_recipient(origin, sender, address) or targets

    async def take(self, envelope: Envelope, spool: Spool) -> list[Refused | None]:
        """Judge, keep, deliver; an outcome for each recipient (see `delivery.local.Deliverer`)."""
        settings = self._settings
        facts = gather_facts(spool.octets(), spool.size, settings.max_header_octets)
        refused = decide(facts, settings)
        if refused is not None:
            return [refused] * len(envelope.recipients)
        judge = self._judge
        if judge is None or not judge.is_concerned(envelope.origin):
            return await self._deliverer.deliver(envelope, spool)
        verdict, handling = await judge.judge(envelope, spool)
        if verdict.refused is not None:
            return [verdict.refused] * len(envelope.recipients)
        with judge.cleaned(spool) as clean:
            return await self._deliverer.deliver(envelope, clean, handling)
