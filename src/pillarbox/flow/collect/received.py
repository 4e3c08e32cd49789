"""When a message was received, where the source does not say it: POP3 and plain files."""

from __future__ import annotations

from pillarbox.message.date import parse_date
from pillarbox.message.header import header_end, pick
from pillarbox.message.part import Digest, Octets

_RECEIVED = frozenset((b"received",))
_DAY = 86_400
_MOST_HEADER = 256 * 1024  # octets: the topmost Received field is among the first
_FIRST, _LAST = -2_208_988_800, 253_402_214_400  # years 1900 to 9999: what IMAP can say


def received_at(said: int | None, octets: Octets, digest: Digest, now: int) -> int:
    """What the source says; else the last server's Received, else Date, else now.

    A clock that goes wrong elsewhere does not put mail into the future.
    """
    if said is not None:
        return min(max(said, _FIRST), _LAST)
    for found in (_topmost_received(octets, digest.size), digest.sent_at):
        if found is not None and _FIRST <= found <= now + _DAY:
            return found
    return now


def _topmost_received(octets: Octets, size: int) -> int | None:
    """RFC 5321 §4.4: the date stands behind the last semicolon."""
    header = bytes(octets[: header_end(octets, 0, min(size, _MOST_HEADER))])
    fields = pick(header, _RECEIVED).get(b"received")
    if not fields:
        return None
    date = parse_date(fields[0].rpartition(b";")[2].strip())
    return date.at if date is not None else None
