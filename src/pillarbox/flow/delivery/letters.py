"""Messages that Pillarbox itself writes to people: notices, codes, answers of the absent.

Written outside the transaction, kept inside it, so that what they tell of and they are committed
together. They have the null sender: nobody is told of a letter that could not be delivered.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.flow.delivery.envelope import Envelope, Handling, Origin, Recipient, Sender
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.keep import Sealed, keep, seal
from pillarbox.flow.delivery.plan import Plan, plan_delivery
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.builder import Address, Entity, build

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.flow.delivery.envelope import Targets
    from pillarbox.store import Store, Transaction

SENDER_NAME = "Pillarbox"
_JOURNEY_OCTETS = 9


class Letter(msgspec.Struct, frozen=True):
    """One that is ready to be kept."""

    envelope: Envelope
    plan: Plan
    sealed: Sealed
    signature: bytes = b""  # DKIM's fields


class Letters:
    """Writes them; one for a worker."""

    def __init__(self, store: Store, directory: Directory, *, hostname: str, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._hostname = hostname
        self._clock = clock
        self._signer = Signer(SigningKeys(store), clock, hostname)

    async def write(
        self,
        to: Address,
        subject: str,
        content: Entity | str,
        *,
        sender: Address | None = None,
        domain: str = "",
        fields: Sequence[tuple[str, str]] = (),
        despite_quota: bool = False,
    ) -> Letter | None:
        """A letter to one address, here or elsewhere; None where nobody would get it.

        `sender`: postmaster of `domain`, or of this host, where it is not given. `despite_quota`:
        also into a full mailbox.
        """
        sender = sender or Address(f"postmaster@{domain or self._hostname}", SENDER_NAME)
        targets = await expand(self._directory, to.addr_spec, None if despite_quota else 0)
        if isinstance(targets, Refused):
            if targets.reason is not Reason.UNKNOWN_DOMAIN:
                return None
            targets = (RemoteTarget(to.addr_spec),)
        journey = secrets.token_urlsafe(_JOURNEY_OCTETS)
        text = build(
            sender=sender,
            recipients=[to],
            subject=subject,
            content=content,
            date=self._clock.now(),
            message_id=f"{journey}@{sender.addr_spec.rpartition('@')[2]}",
            fields=fields or (("Auto-Submitted", "auto-generated"),),
        )
        return await self.post(journey, to.addr_spec, targets, text, sender.addr_spec)

    async def post(
        self, journey: str, to: str, targets: Targets, text: bytes, author: str
    ) -> Letter:
        """What is written already, signed for the author's domain."""
        with self._store.spool(len(text)) as written:
            written.write(text)
            sealed = await seal(written)
        envelope = Envelope(
            journey=journey,
            origin=Origin("local", "", "", ""),
            sender=Sender(
                "", smtputf8=not to.isascii(), body="7BIT" if text.isascii() else "8BITMIME"
            ),
            recipients=(Recipient(to, targets, notify="NEVER"),),
        )
        signature = await self._signer.sign(author.rpartition("@")[2], text, len(text))
        return Letter(envelope, plan_delivery(envelope), sealed, signature)

    async def send(
        self,
        letter: Letter | None,
        along: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> None:
        """Keep it in a transaction of its own, with what else belongs there."""

        async def commit(tx: Transaction) -> None:
            if along is not None:
                await along(tx)
            if letter is not None:
                await keep_letter(tx, letter)

        await self._store.write(commit, short=True)


async def keep_letter(tx: Transaction, letter: Letter) -> int:
    """In the transaction of what it tells of: into the mailbox, or the queue (then its number)."""
    handling = Handling(added=letter.signature)
    kept = await keep(
        tx, letter.envelope, letter.plan, letter.sealed, b"", check_quota=False, handling=handling
    )
    return kept.queue_id
