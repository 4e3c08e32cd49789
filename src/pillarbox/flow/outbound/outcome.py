"""What the queue hands to whoever sends, and what comes back for each recipient."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from pillarbox.store.model import LeasedMessage, LeasedRecipient


class Destination(msgspec.Struct, frozen=True):
    """Where a recipient's mail goes next; what has one destination may share connections."""

    key: str  # the recipient's domain, a smarthost, or the name of a transport


class Job(msgspec.Struct, frozen=True):
    """One message and those of its recipients that go to one destination."""

    message: LeasedMessage
    recipients: tuple[LeasedRecipient, ...]


class Kind(StrEnum):
    """What became of a recipient in one attempt."""

    RELAYED = "relayed"  # the next server answered 250
    DELIVERED = "delivered"  # it is in one of our mailboxes, or in a folder of the transport
    EXPANDED = "expanded"  # its address stands for others, who have it now
    LATER = "later"  # a temporary failure
    FAILED = "failed"  # a permanent one


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one attempt for one recipient."""

    queued: int  # LeasedMessage.id
    number: int  # LeasedRecipient.number
    kind: Kind
    reply: str  # verbatim, lines joined by LF; a sentence of ours where no server answered
    status: str = ""  # enhanced status (RFC 3463), "5.1.1"
    remote_mta: str = ""  # name of the server that answered, "" where none did
    tls: str = ""  # "TLSv1.3 TLS_AES_256_GCM_SHA384 verified", "" in the clear
    uncertain: bool = False  # the link broke between the last octet and the reply
    sent_dsn: bool = False  # the next server took over the duty to report (RFC 3461 §5.2.2)
    whole_destination: bool = False  # LATER for a reason that all its mail shares: no connection


Report = Callable[[Sequence[Outcome]], Awaitable[None]]


class Sender(Protocol):
    """Sends; knows nothing of the queue's rows and waits."""

    def route(self, message: LeasedMessage, recipient: LeasedRecipient) -> Destination:
        """Where this recipient's mail goes, by configuration and `recipient.route` alone."""

    def lanes(self, destination: Destination) -> int:
        """How many `send`s to it may be under way at once, by how it did until now; at least 1."""

    async def send(self, destination: Destination, jobs: Sequence[Job], report: Report) -> None:
        """Send these one after another, over one connection where it lasts.

        `report` is called as soon as a job's outcomes are known, at most once for each recipient. A
        recipient without an outcome when this returns or is cancelled was not tried, and is due as
        it was; when this raises, that counts as a failed attempt. It may be cancelled at any await:
        it reports what is in doubt, because the last octet had gone out, before it ends.
        """
