"""When a day's report about a domain is made. Pure."""

from __future__ import annotations

import hashlib

_DAY = 86_400
SETTLE_SECONDS = 600  # after midnight: until then workers still write what they counted


def due_at(day: int, domain: str, spread_seconds: int) -> int:
    """Unix seconds; each domain has its own time after midnight, the same in all processes."""
    drawn = int.from_bytes(hashlib.blake2b(f"{day} {domain}".encode(), digest_size=8).digest())
    return (day + 1) * _DAY + SETTLE_SECONDS + drawn % (spread_seconds + 1)


def period(day: int, now: int, before: int) -> tuple[int, int]:
    """First and last second of a report: the day, but for what was told `before` (the last second
    of an earlier report, 0 for none), and for what is yet to come."""
    begin = max(day * _DAY, before + 1)
    return begin, max(begin, min((day + 1) * _DAY - 1, now))
