"""Facts about a message from elsewhere → whether it is taken, and the name of the reason. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.message.header import header_end

if TYPE_CHECKING:
    from pillarbox.config.smtp import SmtpSettings
    from pillarbox.message.part import Octets

_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


class Facts(msgspec.Struct, frozen=True):
    """What the checks found."""

    received_fields: int
    is_header_too_large: bool = False


def gather_facts(octets: Octets, size: int, max_header_octets: int) -> Facts:
    """Look at the message's header, as far as it may reach."""
    end = header_end(octets, 0, min(size, max_header_octets + 1))
    return Facts(
        received_fields=len(_RECEIVED.findall(octets[:end])),
        is_header_too_large=end > max_header_octets,
    )


def decide(facts: Facts, settings: SmtpSettings) -> Refused | None:
    """None: take it."""
    if facts.is_header_too_large:
        return Refused(Reason.HEADER_TOO_LARGE)
    if facts.received_fields > settings.max_received_fields:
        return Refused(Reason.LOOP)
    return None
