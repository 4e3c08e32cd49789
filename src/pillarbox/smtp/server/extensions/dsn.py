"""DSN: what the sender wants to hear about delivery (RFC 3461 §4)."""

from __future__ import annotations

from pillarbox.smtp.server.verb import Extension, Parameter, always
from pillarbox.smtp.wire.errors import BadParameter
from pillarbox.smtp.wire.params import decode_xtext

_EVENTS = ("SUCCESS", "FAILURE", "DELAY")
MAX_ENVID = 100  # §4.4, before decoding
MAX_ORCPT = 500  # §4.2


def parse_notify(value: str | None) -> str:
    """NEVER, or some of SUCCESS, FAILURE, DELAY in this order (§4.1). Raises BadParameter."""
    words = (value or "").upper().split(",")
    if words == ["NEVER"]:
        return "NEVER"
    if not set(words) <= set(_EVENTS) or len(words) != len(set(words)):
        raise BadParameter("NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY.")
    return ",".join(event for event in _EVENTS if event in words)


def parse_orcpt(value: str | None) -> str:
    """addr-type;xtext (§4.2), kept as written. Raises BadParameter."""
    kind, semicolon, address = (value or "").partition(";")
    if not semicolon or not kind or not address or len(value or "") > MAX_ORCPT:
        raise BadParameter("ORCPT is an address type, a semicolon and an address.")
    if not (kind.isascii() and kind.replace("-", "").isalnum()):
        raise BadParameter("ORCPT begins with an address type.")
    if kind.lower() != "utf-8":  # RFC 6533 §3 has an encoding of its own, and plain UTF-8
        decode_xtext(address)
    return f"{kind.lower()};{address}"


def parse_ret(value: str | None) -> str:
    """FULL or HDRS (§4.3). Raises BadParameter."""
    ret = (value or "").upper()
    if ret not in ("FULL", "HDRS"):
        raise BadParameter("RET is FULL or HDRS.")
    return ret


def parse_envid(value: str | None) -> str:
    """An xtext of at most 100 characters (§4.4), kept as written. Raises BadParameter."""
    if not value or len(value) > MAX_ENVID:
        raise BadParameter("ENVID has 1 to 100 characters.")
    decode_xtext(value)
    return value


EXTENSION = Extension(
    3461,
    "DSN",
    always("DSN"),
    mail=(Parameter("RET", "ret", parse_ret), Parameter("ENVID", "envid", parse_envid)),
    rcpt=(Parameter("NOTIFY", "notify", parse_notify), Parameter("ORCPT", "orcpt", parse_orcpt)),
)
