"""Who hands a message over, and for whom: what the doors tell the flow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from pillarbox.accounts.directory import RemoteTarget

if TYPE_CHECKING:
    from pillarbox.accounts.directory import LocalTarget
    from pillarbox.flow.delivery.keep import Kept
    from pillarbox.ids import AccountId
    from pillarbox.store import Transaction
    from pillarbox.trust.arc import ArcResult

    Targets = tuple[LocalTarget | RemoteTarget, ...]
    Then = Callable[["Transaction", "Envelope", "Kept"], Awaitable[None]]


class Origin(Struct, frozen=True):
    """One client, as the trace and the log name it."""

    peer: str  # IP address, or "local" on a Unix socket
    helo: str
    protocol: str  # "ESMTPSA" and kin (RFC 3848, RFC 6531 §4.3)
    session: str  # journey of the connection
    account: AccountId | None = None
    login: str = ""


class Recipient(Struct, frozen=True):
    """One forward path that was answered 250, and where it leads."""

    forward_path: str
    targets: Targets
    notify: str = ""  # RFC 3461 §4.1
    orcpt: str = ""


class Sender(Struct, frozen=True):
    """What MAIL said."""

    reverse_path: str  # "" is the null sender
    size: int = 0  # as declared; 0: not said
    smtputf8: bool = False
    body: str = "7BIT"  # or "8BITMIME", "BINARYMIME"
    ret: str = ""  # RFC 3461 §4.3
    envid: str = ""
    hold: str = ""  # "for;3600" or "until;2026-11-23T18:00:00Z" (RFC 4865)
    hold_until: int = 0  # the same in Unix seconds; 0: at once
    requiretls: bool = False  # RFC 8689


class Envelope(Struct, frozen=True):
    """One mail transaction."""

    journey: str
    origin: Origin
    sender: Sender
    recipients: tuple[Recipient, ...]
    split: bool = False  # LMTP: every recipient has its own outcome (RFC 2033 §4.2)


class Handling(Struct, frozen=True):
    """What was decided about a message after it had come in."""

    added: bytes = b""  # header fields that stand behind Received: a verdict, or a signature
    junk: bool = False  # into the mailbox for junk, where the account has one
    why: str = ""  # the verdict's reason by its name, for `pillarbox trace`
    route: str = ""  # a fixed way for all that goes to the queue
    release_at: int | None = None  # Unix seconds before which the queue does not send it
    along: Callable[[Transaction], Awaitable[None]] | None = None  # runs in the transaction, first
    then: Then | None = None  # the same, last
    findings: str = ""  # what a seal of ours says when the message is forwarded; "": not judged
    chain: ArcResult | None = None  # of the seals that were on it; None: not judged
    seal: bytes = b""  # ours, in front of the copies that go on to others (RFC 8617)


AS_IT_CAME = Handling()


def through_queue(envelope: Envelope) -> Envelope:
    """All recipients by way of the queue, our own, too: so that a message can be held back."""
    recipients = [
        replace(one, targets=(RemoteTarget(one.forward_path),)) for one in envelope.recipients
    ]
    return replace(envelope, recipients=tuple(recipients))
