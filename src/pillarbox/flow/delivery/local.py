"""A plan becomes one write: all copies and the queue's rows, or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from pillarbox.errors import NoSuchAccount, NoSuchMailbox
from pillarbox.flow.delivery import trace
from pillarbox.flow.delivery.envelope import Envelope
from pillarbox.flow.delivery.expand import check_account
from pillarbox.flow.delivery.plan import LocalCopy, Plan, plan_delivery
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.digest import digest
from pillarbox.store.model import QueuedMessage, Role
from pillarbox.store.sql import accounts, mailboxes, messages, queue
from pillarbox.telemetry.metrics import DELIVERIES

if TYPE_CHECKING:
    from pillarbox.ids import AccountId
    from pillarbox.message.part import Digest
    from pillarbox.store import Store, Transaction
    from pillarbox.store.blobs.record import SealedBlob
    from pillarbox.store.blobs.spool import Spool

SCAN_IN_THREAD_FROM = 256 * 1024  # octets: some milliseconds of scanning, which others would wait
_DELIVERED = DELIVERIES.labels("smtp")


class Sealed(msgspec.Struct, frozen=True):
    """A message whose octets are ready to be kept."""

    blob: SealedBlob
    digest: Digest


async def seal(spool: Spool) -> Sealed:
    """Scan and seal; a large message is scanned beside the loop."""
    octets = spool.octets()
    if spool.size < SCAN_IN_THREAD_FROM:
        scanned = digest(octets)
    else:
        scanned = await asyncio.to_thread(digest, octets)
    return Sealed(await spool.seal(), scanned)


async def deliver(
    store: Store, envelope: Envelope, sealed: Sealed, hostname: str
) -> list[Refused | None]:
    """Commit the message for all its recipients; returns after the commit, an outcome for each.

    Unless the envelope is `split`, either all outcomes are None or OverQuota or NotFound was
    raised and nothing was kept. With one copy its quota is checked again in the transaction; with
    several the answers given at RCPT stand, since one full mailbox must not stop the others: it
    may end above its quota by a message.
    """
    plan = plan_delivery(envelope)

    async def commit(tx: Transaction) -> dict[AccountId, Refused]:
        received = trace.received(envelope, hostname, tx.now())
        top = trace.return_path(envelope.sender.reverse_path)
        failed: dict[AccountId, Refused] = {}
        for copy in plan.copies:
            in_front = top + trace.delivered_to(copy.address) + received
            if envelope.split:
                refused = await _look(tx, copy, len(in_front) + sealed.blob.size)
                if refused is not None:
                    failed[copy.account] = refused
                    continue
            await _put(tx, copy, sealed, in_front, check_quota=_is_single(plan))
        if plan.remote:
            await queue.add(tx, _queued(envelope, plan, received), sealed.blob)
        return failed

    failed = await store.write(commit)
    _DELIVERED.inc(len(plan.copies) - len(failed))
    if not failed:
        return [None] * len(envelope.recipients)
    return [
        next((failed[account] for account in behind if account in failed), None)
        for behind in plan.accounts_of
    ]


async def _look(tx: Transaction, copy: LocalCopy, size: int) -> Refused | None:
    """A verdict before anything is changed, so that one refused copy leaves the others whole."""
    try:
        return check_account(await accounts.get(tx, copy.account), size)
    except NoSuchAccount:
        return Refused(Reason.UNKNOWN_RECIPIENT)


async def _put(
    tx: Transaction, copy: LocalCopy, sealed: Sealed, in_front: bytes, *, check_quota: bool
) -> None:
    inbox = await mailboxes.by_role(tx, copy.account, Role.INBOX)
    if inbox is None:
        raise NoSuchMailbox("The account is gone.")
    await messages.append(
        tx,
        messages.NewMessage(
            account=copy.account,
            mailbox=inbox.id,
            blob=sealed.blob,
            digest=sealed.digest,
            trace=in_front,
            check_quota=check_quota,
        ),
    )


def _is_single(plan: Plan) -> bool:
    return len(plan.copies) == 1 and not plan.remote


def _queued(envelope: Envelope, plan: Plan, received: bytes) -> QueuedMessage:
    sender = envelope.sender
    return QueuedMessage(
        account=envelope.origin.account,
        reverse_path=sender.reverse_path,
        trace=received,
        recipients=plan.remote,
        journey=envelope.journey,
        smtputf8=sender.smtputf8,
        body_8bit=sender.body != "7BIT",
        ret=sender.ret,
        envid=sender.envid,
    )
