"""Flags that programs keep in the header of a message: Status and its kin. They stay there, too."""

from __future__ import annotations

import re

import msgspec

from pillarbox.flow.collect.files.words import as_keywords
from pillarbox.message.date import parse_date
from pillarbox.message.header import pick
from pillarbox.store.model import Flag

LOOKED_AT = frozenset(
    {
        b"status", b"x-status", b"x-keywords", b"x-mozilla-status", b"x-mozilla-keys", b"received",
        b"date", b"subject", b"x-imap", b"x-imapbase", b"content-length", b"x-gmail-labels",
    }
)  # fmt: skip
# What a program changes in place: two readings of one message differ in no other fields.
_CHANGED = re.compile(
    rb"^(?:X-)?(?:Status|Keywords|UID|IMAP|IMAPbase|Mozilla-Status2?|Mozilla-Keys|"
    rb"Gmail-Labels|Content-Length|Lines)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?",
    re.MULTILINE | re.IGNORECASE,
)

_STATUS = {"R": Flag.SEEN}
_X_STATUS = {
    "A": Flag.ANSWERED,
    "F": Flag.FLAGGED,
    "D": Flag.DELETED,
    "T": Flag.DRAFT,
    "R": Flag.SEEN,
}
_MOZILLA = {0x0001: Flag.SEEN, 0x0002: Flag.ANSWERED, 0x0004: Flag.FLAGGED, 0x1000: Flag.FORWARDED}
_MOZILLA_EXPUNGED = 0x0008  # deleted there; the file was not compacted since


class Status(msgspec.Struct, frozen=True):
    """What a header tells of its message's state."""

    flags: int
    keywords: str
    told: bool  # False: no field says anything
    expunged: bool  # its program has deleted it


Picked = dict[bytes, list[bytes]]


def picked(header: bytes) -> Picked:
    """The fields that this module, dates and labels look at."""
    return pick(header, LOOKED_AT)


def status_of(fields: Picked) -> Status:
    """Flags and keywords out of Status, X-Status, X-Keywords, X-Mozilla-Status and -Keys."""
    flags = 0
    for name, letters in ((b"status", _STATUS), (b"x-status", _X_STATUS)):
        for value in fields.get(name, ()):
            for letter in value[:20].decode("latin-1"):
                flags |= letters.get(letter, 0)
    mozilla = _hexadecimal(fields.get(b"x-mozilla-status", ()))
    for bit, flag in _MOZILLA.items():
        if mozilla & bit:
            flags |= flag
    named = [*fields.get(b"x-keywords", ()), *fields.get(b"x-mozilla-keys", ())]
    more, keywords = as_keywords(re.split(r"[\s,]+", b" ".join(named).decode("utf-8", "replace")))
    told = any(name in fields for name in (b"status", b"x-status", b"x-mozilla-status"))
    return Status(flags | more, keywords, told, bool(mozilla & _MOZILLA_EXPUNGED))


def _hexadecimal(values: list[bytes] | tuple[()]) -> int:
    try:
        return int(values[-1][:8], 16) if values else 0
    except ValueError:
        return 0


def header_date(fields: Picked) -> int | None:
    """When it came according to the newest Received field, else when it was written."""
    for value in fields.get(b"received", ())[:1]:
        found = parse_date(value.rpartition(b";")[2])
        if found is not None:
            return found.at
    for value in fields.get(b"date", ()):
        found = parse_date(value)
        if found is not None:
            return found.at
    return None


def is_internal_data(fields: Picked) -> bool:
    """Whether it is no message but a mail program's note to itself at the head of an mbox."""
    if b"x-imap" not in fields and b"x-imapbase" not in fields:
        return False
    return any(b"FOLDER INTERNAL DATA" in value for value in fields.get(b"subject", ()))


def lasting(header: bytes) -> bytes:
    """A header without what programs change in place."""
    return _CHANGED.sub(b"", header)
