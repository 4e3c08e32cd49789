"""A report to the sender of a message: written outside the transaction, kept inside it.

So that no failure is ever forgotten, the report is committed together with the rows that it is
about: by `Deliverer` for success at once, by the queue for what came of sending.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from pillarbox.accounts.directory import RemoteTarget
from pillarbox.flow.delivery.envelope import Envelope, Handling, Origin, Recipient, Sender
from pillarbox.flow.delivery.expand import expand
from pillarbox.flow.delivery.keep import Sealed, keep, seal
from pillarbox.flow.delivery.plan import Plan, plan_delivery
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.delivery.srs import find_sender
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.dsn import (
    Action,
    DeliveryReport,
    Original,
    RecipientReport,
    compose_report,
)
from pillarbox.message.encoded_word import decode
from pillarbox.message.header import header_end, pick, unfold
from pillarbox.smtp.wire.errors import BadParameter
from pillarbox.smtp.wire.params import decode_xtext

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.message.part import Octets
    from pillarbox.store import Store, Transaction

MAX_WHOLE_OCTETS = 256 * 1024  # the default of queue.max_returned_octets
HEADER_OCTETS = 64 * 1024  # of the message's header that a report gives back
_SHOWN = frozenset((b"subject", b"date"))


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a report is about."""

    journey: str
    reverse_path: str  # never "": nobody is told of a report's own failure (RFC 5321 §6.1)
    arrival: datetime
    envid: str = ""  # as given with MAIL
    ret: str = ""  # "FULL", "HDRS" or not said (RFC 3461 §4.3)
    hold: str = ""  # what FUTURERELEASE asked for
    is_binary: bool = False  # BODY=BINARYMIME: it cannot be returned whole as text
    requiretls: bool = False  # so does the report, and has the header alone (RFC 8689 §5)


class Report(msgspec.Struct, frozen=True):
    """A report that is ready to be kept."""

    envelope: Envelope
    plan: Plan
    sealed: Sealed
    action: Action
    signature: bytes = b""  # DKIM's fields


class Reporter:
    """Writes reports."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        hostname: str,
        clock: Clock,
        max_whole_octets: int = MAX_WHOLE_OCTETS,
    ) -> None:
        """`max_whole_octets`: a longer message is returned by its header only."""
        self._store = store
        self._directory = directory
        self._hostname = hostname
        self._clock = clock
        self._max_whole = max_whole_octets
        self._signer = Signer(SigningKeys(store), clock, hostname)

    def returns_whole(self, about: Reported, action: Action, size: int) -> bool:
        """Whether a report of `action` carries all octets, and not the header alone.

        RET counts for failures only (RFC 3461 §5.3).
        """
        if action is not Action.FAILED or about.is_binary or about.requiretls:
            return False
        return about.ret != "HDRS" and size <= self._max_whole

    async def write(
        self, about: Reported, recipients: Sequence[RecipientReport], octets: Octets, size: int
    ) -> Report | None:
        """One report for all `recipients`; None where the sender is nobody, or not here.

        `octets` begin with the header; they are the whole message if `returns_whole` said so.
        """
        if not about.reverse_path or not recipients:
            return None
        forwarded = await self._store.read(lambda db: find_sender(db, about.reverse_path))
        to = forwarded or about.reverse_path
        action = min((one.action for one in recipients), key=list(Action).index)
        # That mail was lost must be told even where the mailbox is full.
        targets = await expand(self._directory, to, None if action is Action.FAILED else 0)
        if isinstance(targets, Refused):
            if targets.reason is not Reason.UNKNOWN_DOMAIN:
                return None  # an address of ours that does not exist: nobody would read it
            targets = (RemoteTarget(to),)
        at = self._clock.now()
        text = compose_report(
            DeliveryReport(
                reporting_mta=self._hostname,
                arrival=about.arrival,
                recipients=tuple(recipients),
                envid=plain_xtext(about.envid),
                hold=about.hold,
            ),
            _original(octets, size, is_whole=self.returns_whole(about, action, size)),
            to=to,
            at=at,
            message_id=f"{about.journey}.{action}.{int(at.timestamp())}@{self._hostname}",
        )
        with self._store.spool(len(text)) as written:
            written.write(text)
            sealed = await seal(written)
        envelope = Envelope(
            journey=about.journey,
            origin=Origin("local", "", "", ""),
            sender=Sender(
                "",
                smtputf8=not to.isascii(),
                body="7BIT" if text.isascii() else "8BITMIME",
                requiretls=about.requiretls,
            ),
            recipients=(Recipient(to, targets, notify="NEVER"),),
        )
        signature = await self._sign(text)
        return Report(envelope, plan_delivery(envelope), sealed, action, signature)

    async def _sign(self, text: bytes) -> bytes:
        """By the nearest domain above our name that has a key, which is the one DMARC asks for.

        A report goes back through whoever forwarded the message, and there SPF is lost.
        """
        domain = self._hostname
        while "." in domain:
            signature = await self._signer.sign(domain, text, len(text))
            if signature:
                return signature
            domain = domain.partition(".")[2]
        return b""


async def keep_report(tx: Transaction, report: Report) -> int:
    """In the transaction of what it reports: into the mailbox, or the queue (then its number)."""
    handling = Handling(added=report.signature)
    kept = await keep(
        tx, report.envelope, report.plan, report.sealed, b"", check_quota=False, handling=handling
    )
    return kept.queue_id


def original_recipient(orcpt: str) -> str:
    """ORCPT as a report has it: the type, then the address decoded (RFC 3461 §4.2)."""
    kind, separator, address = orcpt.partition(";")
    return f"{kind};{plain_xtext(address)}" if separator else ""


def plain_xtext(xtext: str) -> str:
    """Decoded as RFC 3464 §2.2.1 wants it, but on one line whatever was encoded."""
    try:
        text = decode_xtext(xtext)
    except BadParameter:
        text = xtext
    return text if text.isprintable() else xtext


def _original(octets: Octets, size: int, *, is_whole: bool) -> Original:
    end = header_end(octets, 0, min(size, HEADER_OCTETS))
    raw_header = octets[:end]
    values = pick(raw_header, _SHOWN)
    subject = decode(unfold(values.get(b"subject", [b""])[0]))
    date = values.get(b"date", [b""])[0].decode("ascii", "replace").strip()
    returned = octets[:size] if is_whole else raw_header
    return Original(returned, is_whole=is_whole, subject=subject, date=date)
