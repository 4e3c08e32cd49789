"""What a sender may wish for with MAIL and RCPT: values of their parameters. Sans-IO."""

from __future__ import annotations

from datetime import datetime

from pillarbox.smtp.wire.errors import BadParameter
from pillarbox.smtp.wire.params import decode_xtext

_EVENTS = ("SUCCESS", "FAILURE", "DELAY")
_BODIES = ("7BIT", "8BITMIME", "BINARYMIME")
_DAY = 86_400
_DIGITS = 9  # RFC 4865 §3: of an interval
MAX_ENVID = 100  # RFC 3461 §4.4, before decoding
MAX_ORCPT = 500  # RFC 3461 §4.2


def parse_notify(value: str | None) -> str:
    """NEVER, or some of SUCCESS, FAILURE, DELAY in this order (RFC 3461 §4.1).

    Raises BadParameter.
    """
    words = (value or "").upper().split(",")
    if words == ["NEVER"]:
        return "NEVER"
    if not set(words) <= set(_EVENTS) or len(words) != len(set(words)):
        raise BadParameter("NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY.")
    return ",".join(event for event in _EVENTS if event in words)


def parse_orcpt(value: str | None) -> str:
    """addr-type;xtext (RFC 3461 §4.2), kept as written. Raises BadParameter."""
    kind, semicolon, address = (value or "").partition(";")
    if not semicolon or not kind or not address or len(value or "") > MAX_ORCPT:
        raise BadParameter("ORCPT is an address type, a semicolon and an address.")
    if not (kind.isascii() and kind.replace("-", "").isalnum()):
        raise BadParameter("ORCPT begins with an address type.")
    if kind.lower() != "utf-8":  # RFC 6533 §3 has an encoding of its own, and plain UTF-8
        decode_xtext(address)
    return f"{kind.lower()};{address}"


def parse_ret(value: str | None) -> str:
    """FULL or HDRS (RFC 3461 §4.3). Raises BadParameter."""
    ret = (value or "").upper()
    if ret not in ("FULL", "HDRS"):
        raise BadParameter("RET is FULL or HDRS.")
    return ret


def parse_envid(value: str | None) -> str:
    """An xtext of at most 100 characters (RFC 3461 §4.4), kept as written. Raises BadParameter."""
    if not value or len(value) > MAX_ENVID:
        raise BadParameter("ENVID has 1 to 100 characters.")
    decode_xtext(value)
    return value


def parse_body(value: str | None) -> str:
    """RFC 6152 §3, RFC 3030 §3. Raises BadParameter."""
    body = (value or "").upper()
    if body not in _BODIES:
        raise BadParameter("BODY is 7BIT, 8BITMIME or BINARYMIME.")
    return body


def parse_hold_for(value: str | None) -> str:
    """HOLDFOR: seconds (RFC 4865 §3). Raises BadParameter."""
    digits = value or ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS and int(digits)):
        raise BadParameter("HOLDFOR takes a number of seconds.")
    return f"for;{digits}"


def parse_hold_until(value: str | None) -> str:
    """HOLDUNTIL: an instant as RFC 3339 writes it (RFC 4865 §3). Raises BadParameter."""
    if _instant(value or "") is None:
        raise BadParameter("HOLDUNTIL takes an instant like 2026-11-23T18:00:00Z.")
    return f"until;{value}"


def release_instant(hold: str, now: int, max_days: int) -> int:
    """Unix seconds at which a message with this wish goes (RFC 4865 §4.2). Raises BadParameter."""
    kind, _, value = hold.partition(";")
    if kind == "for":
        release_at = now + int(value)
    else:
        instant = _instant(value)
        assert instant is not None
        release_at = int(instant.timestamp())
    if release_at > now + max_days * _DAY:
        raise BadParameter(f"A message can be held for {max_days} days at most.")
    return release_at


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return instant if "T" in text.upper() and instant.tzinfo is not None else None
