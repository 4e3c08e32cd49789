"""The link of an IMAP conversation."""

from __future__ import annotations

from typing import cast

from pillarbox.clock import Clock
from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.frames import ResponseReader, ServerFrame
from pillarbox.net.outgoing.link import Link

ImapLink = Link[ServerFrame]


def imap_link(
    clock: Clock, reader: ResponseReader, timeouts: ImapClientTimeouts, limits: ImapClientLimits
) -> ImapLink:
    """Its failures are ImapFailure."""
    waits = (cast(float, getattr(timeouts, name)) for name in ImapClientTimeouts.__struct_fields__)
    return Link(
        clock,
        reader,
        ImapFailure,
        # A line or a literal that is kept must fit whole, or it would never be read.
        most_unread=max(
            limits.read_ahead_octets, limits.max_line_octets, limits.held_literal_octets
        ),
        shortest=min(*waits, 10.0),
    )
