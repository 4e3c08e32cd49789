"""A plan becomes one write: all copies and the queue's rows, or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.errors import NoSuchAccount
from pillarbox.flow.delivery import trace
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.delivery.expand import check_account, expand
from pillarbox.flow.delivery.notice import HEADER_OCTETS, compose_notice, wanted_notices
from pillarbox.flow.delivery.plan import LocalCopy, Plan, plan_delivery
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.digest import digest
from pillarbox.message.header import header_end
from pillarbox.store import SHORT_WRITE
from pillarbox.store.journeys import Note, Step
from pillarbox.store.model import QueuedMessage
from pillarbox.store.sql import accounts, messages, queue
from pillarbox.telemetry.metrics import DELIVERIES

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.ids import AccountId
    from pillarbox.message.part import Digest
    from pillarbox.store import Store, Transaction
    from pillarbox.store.blobs.record import SealedBlob
    from pillarbox.store.blobs.spool import Spool

SCAN_IN_THREAD_FROM = 256 * 1024  # octets: some milliseconds of scanning, which others would wait
_SHOWN = 20  # addresses in a fact of a note
_DELIVERED = DELIVERIES.labels("smtp")


class Sealed(msgspec.Struct, frozen=True):
    """A message whose octets are ready to be kept."""

    blob: SealedBlob
    digest: Digest


async def seal(spool: Spool) -> Sealed:
    """Scan and seal; a large message is scanned beside the loop."""
    octets = spool.octets()
    if spool.size < SCAN_IN_THREAD_FROM:
        scanned = digest(octets, spool.limits)
    else:
        scanned = await asyncio.to_thread(digest, octets, spool.limits)
    return Sealed(await spool.seal(), scanned)


class Notice(msgspec.Struct, frozen=True):
    """A success notice that goes with the message's commit."""

    number: int  # of the recipient whose delivery it reports
    envelope: Envelope
    sealed: Sealed


class _Kept(msgspec.Struct, frozen=True):
    """What a commit did."""

    failed: dict[AccountId, Refused]  # only of a split envelope
    queue_id: int = 0  # 0: nothing went to the queue


class Deliverer:
    """Puts messages into mailboxes and the queue."""

    def __init__(self, store: Store, directory: Directory, *, hostname: str, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._hostname = hostname
        self._clock = clock

    async def deliver(self, envelope: Envelope, spool: Spool) -> list[Refused | None]:
        """Commit for all recipients; returns after the commit, an outcome for each.

        Unless the envelope is `split`, either all outcomes are None or OverQuota or NotFound was
        raised and nothing was kept. With one copy its quota is checked again in the transaction;
        with several the answers given at RCPT stand, since one full mailbox must not stop the
        others: it may end above its quota by a message.
        """
        sealed = await seal(spool)
        plan = plan_delivery(envelope)
        notices: list[Notice] = []
        for number, recipient, action in wanted_notices(envelope):
            notices += await self._notice(number, envelope, recipient, action, spool)

        async def commit(tx: Transaction) -> _Kept:
            received = trace.received(envelope, self._hostname, tx.now())
            single = len(plan.copies) == 1 and not plan.remote
            kept = await _commit(tx, envelope, plan, sealed, received, check_quota=single)
            for notice in notices:
                if _outcome(plan.accounts_of[notice.number], kept.failed) is None:
                    back = plan_delivery(notice.envelope)
                    await _commit(tx, notice.envelope, back, notice.sealed, b"", check_quota=False)
            return kept

        short = len(plan.copies) + len(plan.remote) <= SHORT_WRITE
        kept = await self._store.write(commit, short=short)
        _DELIVERED.inc(len(plan.copies) - len(kept.failed))
        self._note(envelope, plan, sealed, kept)
        return [_outcome(behind, kept.failed) for behind in plan.accounts_of]

    def _note(self, envelope: Envelope, plan: Plan, sealed: Sealed, kept: _Kept) -> None:
        """One note for all recipients: where the message went."""
        origin = envelope.origin
        into = [copy.address for copy in plan.copies if copy.account not in kept.failed]
        facts = {
            "helo": origin.helo,
            "protocol": origin.protocol,
            "octets": str(sealed.blob.size),
            "into": ", ".join(into[:_SHOWN]),
            "onward": ", ".join(one.forward_path for one in plan.remote[:_SHOWN]),
        }
        if origin.login:
            facts["login"] = origin.login
        self._store.journeys.note(
            Note(
                step=Step.ACCEPTED,
                journey=envelope.journey,
                session=origin.session,
                peer=origin.peer,
                sender=envelope.sender.reverse_path,
                recipients=[one.forward_path for one in envelope.recipients],
                message_id=sealed.digest.message_id.decode("utf-8", "replace"),
                queue_id=kept.queue_id,
                facts=facts,
            )
        )

    async def _notice(
        self, number: int, envelope: Envelope, recipient: Recipient, action: str, spool: Spool
    ) -> list[Notice]:
        """Empty when the sender's address is one of ours that does not exist."""
        sender = envelope.sender.reverse_path
        targets = await expand(self._directory, sender, 0)
        if isinstance(targets, Refused):
            if targets.reason is not Reason.UNKNOWN_DOMAIN:
                return []
            targets = (RemoteTarget(sender),)
        octets = spool.octets()
        end = header_end(octets, 0, min(spool.size, HEADER_OCTETS))
        text = compose_notice(
            envelope,
            recipient,
            action,
            octets[:end],
            hostname=self._hostname,
            at=self._clock.now(),
        )
        with self._store.spool(len(text)) as written:
            written.write(text)
            sealed = await seal(written)
        back = Envelope(
            journey=envelope.journey,
            origin=Origin("local", "", "", envelope.origin.session),
            sender=Sender("", smtputf8=not sender.isascii()),
            recipients=(Recipient(sender, targets, notify="NEVER"),),
        )
        return [Notice(number, back, sealed)]


async def _commit(
    tx: Transaction,
    envelope: Envelope,
    plan: Plan,
    sealed: Sealed,
    received: bytes,
    *,
    check_quota: bool,
) -> _Kept:
    """All copies and queue rows; refusals are only returned for a split envelope."""
    top = trace.return_path(envelope.sender.reverse_path)
    failed: dict[AccountId, Refused] = {}
    for copy in plan.copies:
        in_front = top + trace.delivered_to(copy.address) + received
        if envelope.split:
            refused = await _look(tx, copy, len(in_front) + sealed.blob.size)
            if refused is not None:
                failed[copy.account] = refused
                continue
        await _put(tx, copy, sealed, in_front, check_quota=check_quota)
    queue_id = 0
    if plan.remote:
        queue_id = await queue.add(tx, _queued(envelope, plan, received), sealed.blob)
    return _Kept(failed, queue_id)


def _outcome(behind: tuple[AccountId, ...], failed: dict[AccountId, Refused]) -> Refused | None:
    return next((failed[account] for account in behind if account in failed), None)


async def _look(tx: Transaction, copy: LocalCopy, size: int) -> Refused | None:
    """A verdict before anything is changed, so that one refused copy leaves the others whole."""
    try:
        return check_account(await accounts.get(tx, copy.account), size)
    except NoSuchAccount:
        return Refused(Reason.UNKNOWN_RECIPIENT)


async def _put(
    tx: Transaction, copy: LocalCopy, sealed: Sealed, in_front: bytes, *, check_quota: bool
) -> None:
    await messages.append(
        tx,
        messages.NewMessage(
            account=copy.account,
            mailbox=None,
            blob=sealed.blob,
            digest=sealed.digest,
            trace=in_front,
            check_quota=check_quota,
        ),
    )


def _queued(envelope: Envelope, plan: Plan, received: bytes) -> QueuedMessage:
    sender = envelope.sender
    return QueuedMessage(
        account=envelope.origin.account,
        reverse_path=sender.reverse_path,
        trace=received,
        recipients=plan.remote,
        journey=envelope.journey,
        smtputf8=sender.smtputf8,
        body=sender.body,
        ret=sender.ret,
        envid=sender.envid,
    )
