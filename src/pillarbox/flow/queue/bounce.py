"""Reports about queued mail: failure, expiry, delay, success (RFC 3464, RFC 3461 §6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pillarbox.clock import from_unix_seconds
from pillarbox.errors import Damaged, NoSuchAccount
from pillarbox.flow.delivery.report import (
    HEADER_OCTETS,
    Reported,
    Reporter,
    keep_report,
    original_recipient,
)
from pillarbox.flow.queue.retry import begins_at
from pillarbox.flow.queue.wishes import Tell
from pillarbox.message.dsn import Action, RecipientReport
from pillarbox.store.sql import accounts
from pillarbox.store.sql.send_as import remote_of
from pillarbox.telemetry.log import get_logger

if TYPE_CHECKING:
    from datetime import datetime

    from pillarbox.flow.queue.bouncer import WriteReport
    from pillarbox.flow.queue.retry import Schedule
    from pillarbox.store import Store, Transaction
    from pillarbox.store.model import QueuedRow, RecipientRow
    from pillarbox.store.sql.queue_reports import Unreported

log = get_logger("queue")

_ACTIONS = {
    Tell.FAILED: Action.FAILED,
    Tell.EXPIRED: Action.FAILED,
    Tell.DELAYED: Action.DELAYED,
    Tell.RELAYED: Action.RELAYED,
    Tell.DELIVERED: Action.DELIVERED,
    Tell.EXPANDED: Action.EXPANDED,
}
_EXPIRED = "5.4.7"  # RFC 3463 §3.5: delivery time expired
_SUCCESS = "2.0.0"


class Bounces:
    """The queue's `Bouncer`."""

    def __init__(self, store: Store, reporter: Reporter, schedule: Schedule) -> None:
        self._store = store
        self._reporter = reporter
        self._schedule = schedule

    async def prepare(self, told: Unreported) -> WriteReport | None:
        """See `flow.queue.bouncer.Bouncer`."""
        message = told.message
        expires = self._expires(message)
        recipients = [_report_of(one, expires) for one in told.recipients]
        about = Reported(
            journey=message.journey,
            reverse_path=await self._whom(told),
            arrival=from_unix_seconds(message.queued_at),
            envid=message.envid,
            ret=message.ret,
            hold=message.hold,
            is_binary=message.body == "BINARYMIME",
            requiretls=message.requiretls,
        )
        action = min((one.action for one in recipients), key=list(Action).index)
        is_whole = self._reporter.returns_whole(about, action, message.size)
        octets = await self._read(message, message.size if is_whole else HEADER_OCTETS)
        report = await self._reporter.write(about, recipients, octets, message.size)
        if report is None:
            return None

        async def write(tx: Transaction) -> None:
            await keep_report(tx, report)

        return write

    async def _whom(self, told: Unreported) -> str:
        """The sender; of mail that leaves through another provider the account here.

        Its sender's address there may be out of our reach: what has just failed is that way.
        """
        message = told.message
        if message.account is None or not any(remote_of(one.route) for one in told.recipients):
            return message.reverse_path
        account = message.account
        try:
            return (await self._store.read(lambda db: accounts.get(db, account))).login
        except NoSuchAccount:
            return message.reverse_path

    async def _read(self, message: QueuedRow, most: int) -> bytes:
        """From the header on, `most` octets; what was damaged must not keep a report back."""
        content = self._store.content(message)
        try:
            return await content.read(0, min(most, message.size))
        except Damaged:
            log.error_event("queue.unreadable", journey=message.journey, queue_id=message.id)
            return message.trace

    def _expires(self, message: QueuedRow) -> Callable[[str], datetime]:
        def expires(lane: str) -> datetime:
            after = self._schedule.rules(lane).expire_after
            return from_unix_seconds(begins_at(message.queued_at, message.hold) + after)

        return expires


def _report_of(row: RecipientRow, expires: Callable[[str], datetime]) -> RecipientReport:
    tell = Tell(row.report)
    action = _ACTIONS[tell]
    if tell is Tell.EXPIRED:
        status = _EXPIRED
    elif action in (Action.FAILED, Action.DELAYED):
        status = row.status or ("5.0.0" if action is Action.FAILED else "4.0.0")
    else:
        status = _SUCCESS
    return RecipientReport(
        final_recipient=row.forward_path,
        action=action,
        status=status,
        original_recipient=original_recipient(row.orcpt),
        remote_mta=row.remote_mta,
        diagnostic=row.reply,
        is_reply=bool(row.remote_mta),
        last_attempt=from_unix_seconds(row.tried_at) if row.tried_at else None,
        will_retry_until=expires(row.route or row.domain) if tell is Tell.DELAYED else None,
    )
