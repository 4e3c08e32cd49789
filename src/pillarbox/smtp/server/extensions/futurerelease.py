"""FUTURERELEASE: the sender names the instant at which its message goes out (RFC 4865)."""

from __future__ import annotations

from datetime import timedelta

from pillarbox.clock import unix_seconds
from pillarbox.smtp.server.context import SUBMISSION, Context
from pillarbox.smtp.server.verb import Extension, Parameter
from pillarbox.smtp.wire import wishes

_DAY = 86_400


def offer(context: Context) -> str | None:
    """On submission only (§4.2), with the longest time as an interval and as an instant."""
    days = context.services.submission.max_hold_days
    if context.role != SUBMISSION or not days:
        return None
    latest = context.services.clock.now() + timedelta(days=days)
    return f"FUTURERELEASE {days * _DAY} {latest:%Y-%m-%dT%H:%M:%SZ}"


def release_instant(hold: str, context: Context) -> int:
    """Unix seconds at which a message with this wish goes. Raises BadParameter (§4.2)."""
    services = context.services
    now = unix_seconds(services.clock.now())
    return wishes.release_instant(hold, now, services.submission.max_hold_days)


EXTENSION = Extension(
    4865,
    "FUTURERELEASE",
    offer,
    mail=(
        Parameter("HOLDFOR", "hold", wishes.parse_hold_for),
        Parameter("HOLDUNTIL", "hold", wishes.parse_hold_until),
    ),
)
