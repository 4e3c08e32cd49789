"""How much an account may send: counted in the transaction that keeps the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pillarbox.errors import LimitReached
from pillarbox.store.sql import sending

if TYPE_CHECKING:
    from pillarbox.config.submission import SubmissionSettings
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.ids import AccountId
    from pillarbox.store import Transaction


class SendingLimit(LimitReached):
    """The account has sent as much as it may for today; nothing was kept."""


class DailyLimits:
    """Messages and first-time recipients of a day (UTC)."""

    def __init__(self, settings: SubmissionSettings) -> None:
        self._settings = settings

    async def count(self, tx: Transaction, account: AccountId, envelope: Envelope) -> None:
        recipients = {one.forward_path.casefold() for one in envelope.recipients}
        sent = await sending.count(tx, account, recipients)
        messages = self._settings.max_messages_a_day
        if messages and sent.messages > messages:
            raise SendingLimit(
                f"You have sent {messages} messages today, as many as you may. Go on tomorrow, or "
                "ask the administrator."
            )
        strangers = self._settings.max_new_recipients_a_day
        if strangers and sent.new_recipients > strangers:
            raise SendingLimit(
                f"You may write to {strangers} new addresses a day, and this message is over it. "
                "Go on tomorrow, or ask the administrator."
            )
