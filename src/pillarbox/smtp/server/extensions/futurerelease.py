"""FUTURERELEASE: the sender names the instant at which its message goes out (RFC 4865)."""

from __future__ import annotations

from datetime import datetime, timedelta

from pillarbox.clock import unix_seconds
from pillarbox.smtp.server.context import SUBMISSION, Context
from pillarbox.smtp.server.verb import Extension, Parameter
from pillarbox.smtp.wire.errors import BadParameter

_DAY = 86_400
_DIGITS = 9  # §3: of an interval


def offer(context: Context) -> str | None:
    """On submission only (§4.2), with the longest time as an interval and as an instant."""
    days = context.services.submission.max_hold_days
    if context.role != SUBMISSION or not days:
        return None
    latest = context.services.clock.now() + timedelta(days=days)
    return f"FUTURERELEASE {days * _DAY} {latest:%Y-%m-%dT%H:%M:%SZ}"


def parse_for(value: str | None) -> str:
    """HOLDFOR: seconds. Raises BadParameter."""
    digits = value or ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS and int(digits)):
        raise BadParameter("HOLDFOR takes a number of seconds.")
    return f"for;{digits}"


def parse_until(value: str | None) -> str:
    """HOLDUNTIL: an instant as RFC 3339 writes it. Raises BadParameter."""
    if _instant(value or "") is None:
        raise BadParameter("HOLDUNTIL takes an instant like 2026-11-23T18:00:00Z.")
    return f"until;{value}"


def release_instant(hold: str, context: Context) -> int:
    """Unix seconds at which a message with this wish goes. Raises BadParameter (§4.2)."""
    now = unix_seconds(context.services.clock.now())
    kind, _, value = hold.partition(";")
    if kind == "for":
        release_at = now + int(value)
    else:
        instant = _instant(value)
        assert instant is not None
        release_at = unix_seconds(instant)
    days = context.services.submission.max_hold_days
    if release_at > now + days * _DAY:
        raise BadParameter(f"A message can be held for {days} days at most.")
    return release_at


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return instant if "T" in text.upper() and instant.tzinfo is not None else None


EXTENSION = Extension(
    4865,
    "FUTURERELEASE",
    offer,
    mail=(Parameter("HOLDFOR", "hold", parse_for), Parameter("HOLDUNTIL", "hold", parse_until)),
)
