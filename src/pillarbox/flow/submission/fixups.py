"""What a submitted message lacks is added, what it must not have is cut (RFC 6409 §8). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from pillarbox.flow.delivery.rewriting import without
from pillarbox.message.header import fields, header_end

if TYPE_CHECKING:
    from pillarbox.message.part import Octets

_CUT = frozenset(
    (
        b"bcc",
        b"resent-bcc",
        # What servers write: from a mail program it is a forgery, or of another journey
        # (RFC 8601 §5, RFC 5321 §4.4).
        b"authentication-results",
        b"pillarbox-verdict",
        b"return-path",
    )
)


class Stamp(msgspec.Struct, frozen=True):
    """Values for the fields that are missing."""

    date: str
    message_id: str
    from_address: str
    sender: str = ""  # "": no Sender field is due


class Fixups(msgspec.Struct, frozen=True):
    """How the message must change."""

    in_front: bytes  # new fields
    cut: tuple[tuple[int, int], ...]  # spans of fields to leave out, ascending


def plan_fixups(octets: Octets, size: int, stamp: Stamp) -> Fixups | None:
    """None: the message can stay as it is, as nearly all can."""
    end = header_end(octets, 0, size)
    names: set[bytes] = set()
    cut: list[tuple[int, int]] = []
    at = 0
    raw_header = octets[:end]
    for field in fields(raw_header):
        start = raw_header.find(field.raw, at)
        at = start + len(field.raw)
        name = field.name.lower()
        names.add(name)
        if name in _CUT:
            cut.append((start, at))
    lines = []
    if b"date" not in names:
        lines.append(f"Date: {stamp.date}\r\n")
    if b"message-id" not in names:
        lines.append(f"Message-ID: <{stamp.message_id}>\r\n")
    if b"from" not in names:
        lines.append(f"From: {stamp.from_address}\r\n")
    if stamp.sender:
        lines.append(f"Sender: {stamp.sender}\r\n")
    if not lines and not cut:
        return None
    if end == 0 and size:
        lines.append("\r\n")  # it had no header at all: what is there is the body
    return Fixups("".join(lines).encode(), tuple(cut))


def apply_fixups(octets: Octets, size: int, fixups: Fixups) -> Iterator[bytes]:
    """The changed message, piece by piece."""
    yield fixups.in_front
    yield from without(octets, size, fixups.cut)
