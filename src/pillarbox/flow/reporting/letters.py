"""Reports as messages (RFC 7489 §7.2.1.1, RFC 8460 §5.3), signed and ready for the queue."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.flow.delivery.envelope import Envelope, Origin, Recipient, Sender
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.keep import Sealed, keep, seal
from pillarbox.flow.delivery.plan import Plan, plan_delivery
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.builder import (
    Address,
    Entity,
    build,
    multipart,
    octets_entity,
    text_entity,
)

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.flow.delivery.signing import Signer
    from pillarbox.store import Store, Transaction

_AUTOMATIC = ("Auto-Submitted", "auto-generated")  # RFC 3834 §5
# Whether TLS can be had must not decide whether anybody hears that it cannot (RFC 8460 §5.3).
_BY_ANY_MEANS = ("TLS-Required", "No")  # RFC 8689 §5


class Enclosed(Struct, frozen=True, kw_only=True):
    """One report, packed, with its names."""

    kind: str  # "dmarc" or "tls"
    domain: str
    submitter: str
    organization: str
    report_id: str
    subject: str
    file_name: str
    media_type: str
    packed: bytes


def compose_letter(enclosed: Enclosed, *, contact: str, to: str, at: datetime) -> bytes:
    """The whole message, unsigned."""
    attached = octets_entity(enclosed.packed, enclosed.media_type, filename=enclosed.file_name)
    parts = (text_entity(_for_people(enclosed)), attached)
    fields: tuple[tuple[str, str], ...] = (_AUTOMATIC,)
    if enclosed.kind == "tls":
        content = multipart("report", parts, (("report-type", "tlsrpt"),))
        names = ("TLS-Report-Domain", "TLS-Report-Submitter")
        about = zip(names, (enclosed.domain, enclosed.submitter), strict=True)
        fields = (*fields, *about, _BY_ANY_MEANS)
    else:
        content = multipart("mixed", parts)
    return _built(content, enclosed, contact=contact, to=to, at=at, fields=fields)


def _built(
    content: Entity,
    enclosed: Enclosed,
    *,
    contact: str,
    to: str,
    at: datetime,
    fields: tuple[tuple[str, str], ...],
) -> bytes:
    return build(
        sender=Address(contact, enclosed.organization),
        recipients=(Address(to),),
        subject=enclosed.subject,
        content=content,
        date=at,
        message_id=f"{enclosed.report_id}.{enclosed.kind}@{enclosed.submitter}",
        fields=fields,
    )


def _for_people(enclosed: Enclosed) -> str:
    what = {
        "dmarc": "how mail with From addresses of {domain} was judged",
        "tls": "how well the mail hosts of {domain} could be reached by TLS",
    }[enclosed.kind].format(domain=enclosed.domain)
    return (
        f"This is a report of {enclosed.organization} about {what}.\n"
        f"It is sent because {enclosed.domain} asks for it in the DNS. The attached file is for "
        "programs.\n"
    )


class Letter(Struct, frozen=True):
    """A message that is ready to be kept."""

    envelope: Envelope
    plan: Plan
    sealed: Sealed
    octets: int


class Post:
    """Signs and addresses letters; each is kept in the transaction that says it was sent."""

    def __init__(self, store: Store, directory: Directory, signer: Signer, contact: str) -> None:
        self._store = store
        self._directory = directory
        self._signer = signer
        self._contact = contact

    async def sign(self, octets: bytes) -> bytes:
        """With a key of the contact's domain, or of one above it, which aligns as well."""
        domain = self._contact.rpartition("@")[2]
        while "." in domain:
            field = await self._signer.sign(domain, octets, len(octets))
            if field:
                return field + octets
            domain = domain.partition(".")[2]
        return octets

    async def write(self, to: str, octets: bytes, journey: str) -> Letter | None:
        """None: the address is one of ours that nobody has.

        The sender is the contact and not null: where no key signs, SPF can still speak for it.
        Nobody wants to be told what became of it.
        """
        targets = await expand(self._directory, to, 0)
        if isinstance(targets, Refused):
            if targets.reason is not Reason.UNKNOWN_DOMAIN:
                return None
            targets = (RemoteTarget(to),)
        envelope = Envelope(
            journey=journey,
            origin=Origin("local", "", "", ""),
            sender=Sender(
                self._contact,
                smtputf8=not f"{to}{self._contact}".isascii(),
                body="7BIT" if octets.isascii() else "8BITMIME",
            ),
            recipients=(Recipient(to, targets, notify="NEVER"),),
        )
        with self._store.spool(len(octets)) as written:
            written.write(octets)
            sealed = await seal(written)
        return Letter(envelope, plan_delivery(envelope), sealed, len(octets))


async def keep_letter(tx: Transaction, letter: Letter) -> None:
    """Into the queue, or a mailbox of ours."""
    await keep(tx, letter.envelope, letter.plan, letter.sealed, b"", check_quota=False)
