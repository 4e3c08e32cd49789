"""The link of an SMTP conversation."""

from __future__ import annotations

from typing import cast

from pillarbox.clock import Clock
from pillarbox.config.outbound import ClientLimits, ClientTimeouts
from pillarbox.net.outgoing.link import Link
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.wire.reply_reader import PeerReply, ReplyReader

_BACKLOG = 4  # largest replies that may wait unread before the peer is made to wait

SmtpLink = Link[PeerReply]


def smtp_link(clock: Clock, timeouts: ClientTimeouts, limits: ClientLimits) -> SmtpLink:
    """Its failures are ClientFailure."""
    reader = ReplyReader(
        max_line_octets=limits.max_reply_line_octets, max_reply_octets=limits.max_reply_octets
    )
    waits = (cast(float, getattr(timeouts, name)) for name in ClientTimeouts.__struct_fields__)
    return Link(
        clock,
        reader,
        ClientFailure,
        most_unread=_BACKLOG * limits.max_reply_octets,
        shortest=min(waits),
    )
