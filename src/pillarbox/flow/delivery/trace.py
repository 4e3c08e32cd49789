"""The header fields that we put in front of a message (RFC 5321 §4.4), kept beside its octets."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from pillarbox.flow.delivery.envelope import Envelope
from pillarbox.message.date import format_date

FROM_PAGES = "HTTP"  # the protocol of what comes in by JMAP


def return_path(reverse_path: str) -> bytes:
    """Only at final delivery, never on the way out."""
    return f"Return-Path: <{reverse_path}>\r\n".encode()


def delivered_to(address: str) -> bytes:
    """The address that brought the message into this mailbox."""
    return f"Delivered-To: {address}\r\n".encode()


def received(envelope: Envelope, hostname: str, at: int) -> bytes:
    """The Received field. `for` only where it tells one recipient nothing of another."""
    origin = envelope.origin
    one = envelope.recipients[0].forward_path if len(envelope.recipients) == 1 else ""
    for_whom = f"\r\n\tfor <{one}>" if one else ""
    source = ""  # where somebody sits who writes in a page is nobody else's business
    if origin.protocol != FROM_PAGES:
        source = f"from {origin.helo or 'unknown'} ({_tcp_info(origin.peer)})\r\n\t"
    return (
        f"Received: {source}by {hostname} with {origin.protocol} id {envelope.journey}"
        f"{for_whom};\r\n"
        f"\t{_date(at)}\r\n"
    ).encode()


def _tcp_info(peer: str) -> str:
    if peer == "local":
        return "local socket"
    return f"[IPv6:{peer}]" if ":" in peer else f"[{peer}]"


@lru_cache(maxsize=4)  # a busy second has many messages and one date
def _date(at: int) -> str:
    return format_date(datetime.fromtimestamp(at, UTC))
