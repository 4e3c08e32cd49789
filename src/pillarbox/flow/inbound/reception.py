"""Mail from elsewhere, by port 25 or LMTP: from RCPT to the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.flow.inbound.policy import decide, gather_facts

if TYPE_CHECKING:
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.flow.delivery.envelope import Envelope, Origin, Targets
    from pillarbox.flow.delivery.local import Deliverer
    from pillarbox.flow.delivery.verdict import Refused
    from pillarbox.flow.inbound.recipients import RecipientPolicy
    from pillarbox.store.blobs.spool import Spool


class Inbound:
    """The way in."""

    def __init__(
        self, deliverer: Deliverer, recipients: RecipientPolicy, settings: SmtpSettings
    ) -> None:
        self._deliverer = deliverer
        self._recipients = recipients
        self._settings = settings

    async def check_sender(self, origin: Origin, reverse_path: str) -> Refused | None:
        """Anybody may write to us."""
        return None

    async def check_recipient(self, origin: Origin, address: str, size: int) -> Targets | Refused:
        """Whether an address is ours and has room."""
        return await self._recipients.check_recipient(address, size)

    async def take(self, envelope: Envelope, spool: Spool) -> list[Refused | None]:
        """Judge, keep, deliver; an outcome for each recipient (see `delivery.local.Deliverer`)."""
        settings = self._settings
        facts = gather_facts(spool.octets(), spool.size, settings.max_header_octets)
        refused = decide(facts, settings)
        if refused is not None:
            return [refused] * len(envelope.recipients)
        return await self._deliverer.deliver(envelope, spool)
