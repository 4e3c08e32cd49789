"""The fields that a list of messages shows, from IMAP's ENVELOPE: no octets are read for them.

What the store keeps beside each message is the encoded ENVELOPE (RFC 9051 §7.5.2). Where a field
that may stand once stands twice, it has the first Subject and the addresses of all From fields, as
IMAP shows them; `header:` properties have the last one (RFC 8621 §4.1.3).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pillarbox.jmap.email.forms import as_date, as_message_ids, as_text, clean, email_json
from pillarbox.message import encoded_word

Json = Any

_QUOTED = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRING = rb"(NIL|" + _QUOTED + rb")"
_ADDRESS = rb"\(" + rb" ".join([_STRING] * 4) + rb"\)"
_PLAIN_ADDRESS = rb"\((?:NIL|[ ]|" + _QUOTED + rb")*\)"
_LIST = rb"(NIL|\((?:" + _PLAIN_ADDRESS + rb")*\))"
_ENVELOPE = re.compile(
    rb"\(" + rb" ".join([_STRING] * 2 + [_LIST] * 6 + [_STRING] * 2) + rb"\)", re.DOTALL
)
_ADDRESSES = re.compile(_ADDRESS, re.DOTALL)
_LITERAL = re.compile(rb"\{([0-9]{1,10})\}\r\n")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SPECIAL = re.compile(rb'(["\\])')
_NOTHING = (b"NIL",) * 10
_SHORT = 512  # octets of a list of addresses that may be kept: a megabyte for all of them
_DATE, _SUBJECT, _FROM, _TO, _CC, _BCC, _IN_REPLY_TO, _MESSAGE_ID = 0, 1, 2, 5, 6, 7, 8, 9


class EnvelopeFields:
    """One message's."""

    __slots__ = ("_charset", "_items")

    def __init__(self, envelope: bytes, charset: str | None = None) -> None:
        """`charset`: of what is neither ASCII nor UTF-8."""
        found = _ENVELOPE.fullmatch(_without_literals(envelope))
        self._items: tuple[bytes, ...] = found.groups() if found is not None else _NOTHING
        self._charset = charset

    @property
    def subject(self) -> str | None:
        """`header:Subject:asText`."""
        value = _string(self._items[_SUBJECT])
        return None if value is None else as_text(value, self._charset)

    @property
    def sent_at(self) -> str | None:
        """`header:Date:asDate`."""
        value = _string(self._items[_DATE])
        return None if value is None else as_date(value)

    @property
    def message_id(self) -> list[str] | None:
        """`header:Message-ID:asMessageIds`."""
        return as_message_ids(_string(self._items[_MESSAGE_ID]) or b"")

    @property
    def in_reply_to(self) -> list[str] | None:
        """`header:In-Reply-To:asMessageIds`."""
        return as_message_ids(_string(self._items[_IN_REPLY_TO]) or b"")

    @property
    def from_(self) -> list[Json] | None:
        """`header:From:asAddresses`."""
        return self._addresses(_FROM)

    @property
    def to(self) -> list[Json] | None:
        """`header:To:asAddresses`."""
        return self._addresses(_TO)

    @property
    def cc(self) -> list[Json] | None:
        """`header:Cc:asAddresses`."""
        return self._addresses(_CC)

    @property
    def bcc(self) -> list[Json] | None:
        """`header:Bcc:asAddresses`."""
        return self._addresses(_BCC)

    def _addresses(self, place: int) -> list[Json] | None:
        item = self._items[place]
        if item == b"NIL":
            return None
        read = _known_addresses if len(item) <= _SHORT else _read_addresses
        return [{"name": name, "email": email} for name, email in read(item, self._charset)]


def _read_addresses(item: bytes, charset: str | None) -> tuple[tuple[str | None, str], ...]:
    """Name and address of each."""
    return tuple(
        (
            clean(encoded_word.decode(_string(name) or b"", charset)).strip() or None,
            email_json(_string(local) or b"", _string(host) or b""),
        )
        for name, _route, local, host in _ADDRESSES.findall(item)
        if host != b"NIL"  # else a group begins or ends
    )


# The same few people write most of anyone's mail.
_known_addresses = lru_cache(maxsize=2048)(_read_addresses)


def _string(item: bytes) -> bytes | None:
    if item == b"NIL":
        return None
    value = item[1:-1]
    return _ESCAPED.sub(rb"\1", value) if b"\\" in value else value


def _without_literals(envelope: bytes) -> bytes:
    """The same with quoted strings alone; none of the values holds a line end."""
    if b"}\r\n" not in envelope:
        return envelope
    pieces: list[bytes] = []
    at = 0
    while (found := _LITERAL.search(envelope, at)) is not None:
        end = found.end() + int(found[1])
        quoted = _SPECIAL.sub(rb"\\\1", envelope[found.end() : end])
        pieces += (envelope[at : found.start()], b'"', quoted, b'"')
        at = end
    return b"".join([*pieces, envelope[at:]])
