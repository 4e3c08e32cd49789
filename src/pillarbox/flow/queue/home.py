"""Mail that waited in the queue and ends here: held back by its sender, or given a new way.

Its copy and the end of its row are one commit, so that no crash delivers it twice.
"""

from __future__ import annotations

from pillarbox.accounts.directory import Directory, LocalTarget, Resolved
from pillarbox.clock import Clock
from pillarbox.errors import BadName, Damaged, NoSuchAccount, OverQuota, PillarboxError, TooLarge
from pillarbox.flow.delivery.envelope import Envelope, Handling, Origin, Recipient, Sender
from pillarbox.flow.delivery.local import Deliverer
from pillarbox.flow.outbound.outcome import Job, Kind, Outcome
from pillarbox.ids import AccountId
from pillarbox.store import Store, Transaction
from pillarbox.store.model import LeasedMessage, LeasedRecipient
from pillarbox.store.sql import queue_lease

# What a failure means for the recipient; the first that fits, else it is tried again.
_ANSWERS: tuple[tuple[type[PillarboxError], Kind, str], ...] = (
    (NoSuchAccount, Kind.FAILED, "5.1.1"),
    (BadName, Kind.FAILED, "5.1.3"),
    (OverQuota, Kind.LATER, "4.2.2"),  # room may be made in the days that it waits
    (TooLarge, Kind.FAILED, "5.3.4"),
    (Damaged, Kind.FAILED, "5.3.0"),
    (PillarboxError, Kind.LATER, "4.3.0"),
)


class _NotOurs(Exception):
    """The row's lease went to somebody else, or it was steered away."""


class HomeDelivery:
    """The sender's `Home`."""

    def __init__(self, store: Store, directory: Directory, *, hostname: str, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._hostname = hostname
        self._deliverer = Deliverer(store, directory, hostname=hostname, clock=clock)

    async def deliver(self, job: Job) -> list[Outcome]:
        """See `flow.outbound.sender.Home`; nothing for a recipient that is no longer ours."""
        found = []
        for recipient in job.recipients:
            outcome = await self._outcome(job.message, recipient)
            if outcome is not None:
                found.append(outcome)
        return found

    async def _outcome(self, message: LeasedMessage, recipient: LeasedRecipient) -> Outcome | None:
        try:
            resolved = await self._directory.resolve(recipient.forward_path)
            await self._put(message, recipient, resolved)
        except _NotOurs:
            return None
        except PillarboxError as error:
            kind, status = next(
                (kind, status) for type_, kind, status in _ANSWERS if isinstance(error, type_)
            )
            return _ended(recipient, kind, status, str(error))
        onward = not all(isinstance(one, LocalTarget) for one in resolved.targets)
        kind = Kind.EXPANDED if onward else Kind.DELIVERED
        return _ended(recipient, kind, "2.0.0", f"250 2.0.0 Delivered by {self._hostname}")

    async def _put(
        self, message: LeasedMessage, recipient: LeasedRecipient, resolved: Resolved
    ) -> None:
        content = self._store.content(message)
        key = (recipient.queued, recipient.number)
        with self._store.spool(message.size) as spool:
            async for piece in content.chunks(start=len(message.trace)):
                spool.write(piece)

            async def end_row(tx: Transaction) -> None:
                if not await queue_lease.delivered(tx, key):
                    raise _NotOurs

            handling = Handling(added=message.trace, along=end_row)
            await self._deliverer.deliver(
                self._envelope(message, recipient, resolved), spool, handling
            )

    def _envelope(
        self, message: LeasedMessage, recipient: LeasedRecipient, resolved: Resolved
    ) -> Envelope:
        account = AccountId(message.account) if message.account is not None else None
        sender = Sender(
            reverse_path=message.reverse_path,
            smtputf8=message.smtputf8,
            body=message.body,
            ret=message.ret,
            envid=message.envid,
            requiretls=message.requiretls,
        )
        return Envelope(
            journey=message.journey,
            origin=Origin("local", self._hostname, "ESMTP", "queue", account),
            sender=sender,
            recipients=(
                Recipient(
                    recipient.forward_path, resolved.targets, recipient.notify, recipient.orcpt
                ),
            ),
        )


def _ended(recipient: LeasedRecipient, kind: Kind, status: str, reply: str) -> Outcome:
    """`sent_dsn`: a wish for a report about success went along with the copy."""
    return Outcome(
        queued=recipient.queued,
        number=recipient.number,
        kind=kind,
        reply=reply,
        status=status,
        sent_dsn=True,
    )
