"""Refused mail is noted, so that `pillarbox trace` can answer for it, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pillarbox.message.header import header_end, pick
from pillarbox.message.thread import message_id
from pillarbox.store.journeys import Note, Step

if TYPE_CHECKING:
    from pillarbox.smtp.server.context import Context
    from pillarbox.smtp.wire.replies import Reply
    from pillarbox.store.blobs.spool import Spool

_LOOKED_AT = 64 * 1024  # octets of the header of a refused message
_ID = frozenset((b"message-id",))


def note_refusal(
    context: Context,
    at: str,
    reply: Reply,
    reason: str,
    recipients: Sequence[str] = (),
    *,
    sender: str = "",
    spool: Spool | None = None,
) -> None:
    """Keep who was refused what, `at` which command, and in which words."""
    transaction = context.transaction
    origin = context.origin()
    context.services.store.journeys.note(
        Note(
            step=Step.REFUSED,
            journey=transaction.journey if transaction is not None else context.journey,
            session=context.journey,
            peer=context.peer.address,
            sender=transaction.sender.reverse_path if transaction is not None else sender,
            recipients=recipients,
            message_id=_find_message_id(spool) if spool is not None else "",
            facts={
                "at": at,
                "reason": reason,
                "reply": f"{reply.code} {reply.text}",
                "helo": origin.helo,
                "protocol": origin.protocol,
                "login": origin.login,
            },
        )
    )


def _find_message_id(spool: Spool) -> str:
    octets = spool.octets()
    end = header_end(octets, 0, min(spool.size, _LOOKED_AT))
    values = pick(octets[:end], _ID).get(b"message-id", [b""])
    return message_id(values[0]).decode("utf-8", "replace")
