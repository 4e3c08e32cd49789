"""One message on its way to another server, and what became of it for each recipient."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.wire.reply_reader import PeerReply

Body = Literal["7BIT", "8BITMIME", "BINARYMIME"]
Kind = Literal["relayed", "again", "later", "failed"]


class MessageSource(Protocol):
    """The octets of a message, trace included; the store's `Content` is one."""

    @property
    def size(self) -> int:
        """How many octets there are."""

    def chunks(self) -> AsyncIterator[bytes]:
        """All of them, in pieces that fit into memory; may be asked for more than once."""


class HeldMessage:
    """A message that is in memory already."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    @property
    def size(self) -> int:
        """How many octets there are."""
        return len(self._octets)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it at once."""
        yield self._octets


class OutgoingRecipient(msgspec.Struct, frozen=True):
    """One RCPT. The DSN values are sent as they are here, where the peer offers DSN."""

    forward_path: str  # local@domain without brackets
    notify: str = ""  # "NEVER" or "SUCCESS,FAILURE,DELAY"
    orcpt: str = ""  # "rfc822;xtext" (RFC 3461 §4.2)


class OutgoingTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """One MAIL with its recipients and its message."""

    reverse_path: str  # "" is the null path
    recipients: tuple[OutgoingRecipient, ...]
    message: MessageSource
    body: Body = "7BIT"
    smtputf8: bool = False  # the header holds UTF-8; for addresses this is seen by themselves
    ret: str = ""  # "FULL" or "HDRS"
    envid: str = ""  # xtext (RFC 3461 §4.4)
    requiretls: bool = False


class RecipientOutcome(msgspec.Struct, frozen=True):
    """What one recipient came to.

    `again`: nothing is wrong with it, only this transaction had no room for it: it may be tried at
    once in the next one.
    """

    kind: Kind
    stage: str  # a `Stage`; "plan": decided here, before anything was sent
    status: str  # enhanced status (RFC 3463): the peer's, or ours where no reply came
    reply: PeerReply | None = None
    why: str = ""  # a sentence of ours where there is no reply

    @property
    def text(self) -> str:
        """The reply verbatim; our sentence where there is none."""
        return self.reply.verbatim if self.reply is not None else self.why


class TransactionOutcome(msgspec.Struct, frozen=True):
    """The end of one transaction."""

    replies: tuple[RecipientOutcome, ...]  # one for each recipient, in their order
    sent_dsn: bool = False  # the peer took the DSN parameters and with them the duty to report
    uncertain: bool = False  # the link broke after the last octet and before the reply
    failure: ClientFailure | None = None  # the connection ended under this transaction
