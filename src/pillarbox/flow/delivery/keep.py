"""A plan becomes rows, inside a transaction: all copies and the queue's part, or none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from pillarbox.errors import NoSuchAccount
from pillarbox.flow.delivery import srs, trace
from pillarbox.flow.delivery.envelope import AS_IT_CAME, Handling
from pillarbox.flow.delivery.expand import check_account
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.digest import digest
from pillarbox.message.header import header_end, pick
from pillarbox.message.part import Digest
from pillarbox.message.thread import message_id
from pillarbox.store.blobs.record import SealedBlob
from pillarbox.store.model import QueuedMessage, QueuedRecipient, Role
from pillarbox.store.sql import accounts, mailboxes, messages, muting, queue

if TYPE_CHECKING:
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.flow.delivery.plan import LocalCopy, Plan
    from pillarbox.ids import AccountId, MailboxId, MessageId
    from pillarbox.store import Transaction
    from pillarbox.store.blobs.spool import Spool

_MESSAGE_ID = frozenset((b"message-id",))
SCAN_IN_THREAD_FROM = 256 * 1024  # octets: some milliseconds of scanning, which others would wait


class Sealed(msgspec.Struct, frozen=True):
    """A message whose octets are ready to be kept."""

    blob: SealedBlob
    scanned: Digest | None  # None: no mailbox of ours gets it
    message_id: bytes = b""  # without its angle brackets

    @property
    def digest(self) -> Digest:
        """For a mailbox; it was sealed for one."""
        assert self.scanned is not None
        return self.scanned


async def seal(spool: Spool, *, for_mailbox: bool = True) -> Sealed:
    """Scan and seal; a large message is scanned beside the loop.

    What is only passed on is not scanned: nobody will ask for its structure here.
    """
    octets = spool.octets()
    if not for_mailbox:
        end = header_end(octets, 0, min(spool.size, spool.limits.max_headers_octets))
        found = pick(octets[:end], _MESSAGE_ID).get(b"message-id", [b""])
        return Sealed(await spool.seal(), None, message_id(found[0]))
    if spool.size < SCAN_IN_THREAD_FROM:
        scanned = digest(octets, spool.limits)
    else:
        scanned = await asyncio.to_thread(digest, octets, spool.limits)
    return Sealed(await spool.seal(), scanned, scanned.message_id)


class Kept(msgspec.Struct, frozen=True):
    """What a commit did."""

    failed: dict[AccountId, Refused]  # only of a split envelope
    queued: tuple[tuple[int, tuple[QueuedRecipient, ...]], ...] = ()  # messages by their numbers
    arrived: tuple[tuple[AccountId, MessageId], ...] = ()  # in inboxes

    @property
    def queue_id(self) -> int:
        """The last message that went to the queue; 0: nothing did."""
        return self.queued[-1][0] if self.queued else 0


async def keep(
    tx: Transaction,
    envelope: Envelope,
    plan: Plan,
    sealed: Sealed,
    received: bytes,
    *,
    check_quota: bool,
    handling: Handling = AS_IT_CAME,
) -> Kept:
    """All copies and queue rows; refusals are only returned for a split envelope."""
    top = trace.return_path(envelope.sender.reverse_path)
    failed: dict[AccountId, Refused] = {}
    arrived: list[tuple[AccountId, MessageId]] = []
    behind = received + handling.added
    for copy in plan.copies:
        in_front = top + trace.delivered_to(copy.address) + behind
        if envelope.split:
            refused = await _look(tx, copy, len(in_front) + sealed.blob.size)
            if refused is not None:
                failed[copy.account] = refused
                continue
        junk = handling.junk or copy.junk
        mailbox = await _junk_of(tx, copy.account) if junk else None
        put = await _put(tx, copy, sealed, in_front, mailbox=mailbox, check_quota=check_quota)
        if put is not None and not junk:
            arrived.append((copy.account, put))
    queued = []
    if plan.remote:
        for reverse_path, recipients in (await _by_sender(tx, envelope, plan)).items():
            in_front = (
                handling.seal if reverse_path != envelope.sender.reverse_path else b""
            ) + behind
            message = _queued(envelope, handling, reverse_path, recipients, in_front)
            number = await queue.add(tx, message, sealed.blob)
            queued.append((number, message.recipients))
    return Kept(failed, tuple(queued), tuple(arrived))


async def _look(tx: Transaction, copy: LocalCopy, size: int) -> Refused | None:
    """A verdict before anything is changed, so that one refused copy leaves the others whole."""
    try:
        return check_account(await accounts.get(tx, copy.account), size)
    except NoSuchAccount:
        return Refused(Reason.UNKNOWN_RECIPIENT)


async def _junk_of(tx: Transaction, account: AccountId) -> MailboxId | None:
    """None, INBOX, where the account has no mailbox for junk."""
    found = await mailboxes.by_role(tx, account, Role.JUNK)
    return found.id if found is not None else None


async def _put(
    tx: Transaction,
    copy: LocalCopy,
    sealed: Sealed,
    in_front: bytes,
    *,
    mailbox: MailboxId | None,
    check_quota: bool,
) -> MessageId | None:
    """None: it was put aside, where nobody expects it."""
    done = await messages.append(
        tx,
        messages.NewMessage(
            account=copy.account,
            mailbox=mailbox,
            blob=sealed.blob,
            digest=sealed.digest,
            trace=in_front,
            check_quota=check_quota,
        ),
    )
    is_answer = int(done.thread) != int(done.message)
    if mailbox is None and is_answer and await muting.put_aside(tx, copy.account, done):
        return None
    return done.message


async def _by_sender(
    tx: Transaction, envelope: Envelope, plan: Plan
) -> dict[str, list[QueuedRecipient]]:
    """Recipients by the reverse path that their copy goes out with.

    What an alias of ours sends on for a stranger goes out in our name: the stranger's SPF record
    does not know us.
    """
    reverse_path = envelope.sender.reverse_path
    found: dict[str, list[QueuedRecipient]] = {}
    own: dict[str, str] = {"": reverse_path}
    for recipient, domain in zip(plan.remote, plan.via, strict=True):
        if domain not in own:
            own[domain] = await srs.rewritten(tx, reverse_path, domain)
        found.setdefault(own[domain], []).append(recipient)
    return found


def _queued(
    envelope: Envelope,
    handling: Handling,
    reverse_path: str,
    recipients: list[QueuedRecipient],
    in_front: bytes,
) -> QueuedMessage:
    sender = envelope.sender
    return QueuedMessage(
        account=envelope.origin.account,
        reverse_path=reverse_path,
        trace=in_front,
        recipients=tuple(
            msgspec.structs.replace(one, route=handling.route) if handling.route else one
            for one in recipients
        ),
        journey=envelope.journey,
        smtputf8=sender.smtputf8,
        body=sender.body,
        ret=sender.ret,
        envid=sender.envid,
        requiretls=sender.requiretls,
        release_at=handling.release_at,
        hold=sender.hold,
    )
