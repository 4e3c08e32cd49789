"""Names of properties that stand for header fields: `header:To:asAddresses:all` (RFC 8621 §4.1.3).

Each form may be asked only of fields where it makes sense (RFC 8621 §4.1.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RAW = "asRaw"
TEXT = "asText"
ADDRESSES = "asAddresses"
GROUPED = "asGroupedAddresses"
MESSAGE_IDS = "asMessageIds"
DATE = "asDate"
URLS = "asURLs"

_NAME = re.compile(r"[!-9;-~]{1,255}")

_ADDRESS_FIELDS = frozenset(
    prefix + name
    for prefix in ("", "resent-")
    for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
)
_ID_FIELDS = frozenset({"message-id", "in-reply-to", "references", "resent-message-id"})
_DATE_FIELDS = frozenset({"date", "resent-date"})
_URL_FIELDS = frozenset(
    "list-" + name for name in ("help", "unsubscribe", "subscribe", "post", "owner", "archive")
)
_TEXT_FIELDS = frozenset({"subject", "comments", "keywords"})
_TRACE_FIELDS = frozenset({"return-path", "received"})

# RFC 5322 and RFC 2369 define these; of every other field each form may be asked. List-Id is of
# RFC 2919, and so among the others.
_DEFINED = _ADDRESS_FIELDS | _ID_FIELDS | _DATE_FIELDS | _URL_FIELDS | _TEXT_FIELDS | _TRACE_FIELDS
FORMS: dict[str, frozenset[str]] = {  # by form: the fields among _DEFINED that have it
    RAW: _DEFINED,
    TEXT: _TEXT_FIELDS,
    ADDRESSES: _ADDRESS_FIELDS,
    GROUPED: _ADDRESS_FIELDS,
    MESSAGE_IDS: _ID_FIELDS,
    DATE: _DATE_FIELDS,
    URLS: _URL_FIELDS,
}


@dataclass(frozen=True, slots=True)
class HeaderProperty:
    """One of them, taken apart."""

    field: str  # as the client wrote it
    form: str = RAW  # a key of FORMS
    all: bool = False  # every instance, not the last one

    @property
    def key(self) -> bytes:
        """The field's name as fields are found by."""
        return self.field.lower().encode("ascii")


CONVENIENT: dict[str, HeaderProperty] = {
    "messageId": HeaderProperty("Message-ID", MESSAGE_IDS),
    "inReplyTo": HeaderProperty("In-Reply-To", MESSAGE_IDS),
    "references": HeaderProperty("References", MESSAGE_IDS),
    "sender": HeaderProperty("Sender", ADDRESSES),
    "from": HeaderProperty("From", ADDRESSES),
    "to": HeaderProperty("To", ADDRESSES),
    "cc": HeaderProperty("Cc", ADDRESSES),
    "bcc": HeaderProperty("Bcc", ADDRESSES),
    "replyTo": HeaderProperty("Reply-To", ADDRESSES),
    "subject": HeaderProperty("Subject", TEXT),
    "sentAt": HeaderProperty("Date", DATE),
}


def find_header_property(name: str) -> HeaderProperty | None:
    """None: it is no such name, or the field may not be had in that form."""
    prefix, *words = name.split(":")
    if prefix != "header" or not words or _NAME.fullmatch(words[0]) is None:
        return None
    field, *suffixes = words
    is_all = suffixes[-1:] == ["all"]
    if is_all:
        suffixes.pop()
    form = suffixes.pop(0) if suffixes else RAW
    if suffixes or form not in FORMS:
        return None
    folded = field.lower()
    if folded in _DEFINED and folded not in FORMS[form]:
        return None
    return HeaderProperty(field, form, is_all)
