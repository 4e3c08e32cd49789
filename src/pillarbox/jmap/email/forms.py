"""A header field's value in the forms that JMAP has for it (RFC 8621 §4.1.2). Any octets.

Encoded words are read as leniently as everywhere here: also where RFC 2047 §5 forbids them, since
programs that write them there are common, and people want to read what they wrote.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pillarbox.jmap.email import header_property as names
from pillarbox.message import encoded_word, thread
from pillarbox.message.address import Group, Mailbox, parse_address_list
from pillarbox.message.date import parse_date
from pillarbox.message.header import unfold

Json = Any

# Encoded controls are dropped; a tabulator may stand between words as well.
_CONTROLS = {code: None for code in [*range(32), *range(127, 160)] if code != 9}
# With dots anywhere: "a..b@" is no dot-atom, but some providers gave out such addresses.
_UNQUOTED = re.compile(r"[^\s()<>\[\]:;@\\,\"]+")
_QUOTED_IN_LOCAL = re.compile(r'(["\\])')
_URL_TOKEN = re.compile(rb"<([^<>]*)>|\\.|[()]", re.DOTALL)
_YEAR_10000 = 253_402_300_800
_WHITE = re.compile(rb"\s+")


def as_raw(value: bytes) -> str:
    """What stands behind the colon up to the line end that ends the field (RFC 8621 §4.1.2.1)."""
    return value.replace(b"\0", b"").decode("utf-8", "replace")


def as_text(value: bytes, charset: str | None = None) -> str:
    """RFC 8621 §4.1.2.2; `charset` is what octets that are not UTF-8 are likely to be in."""
    return clean(encoded_word.decode(unfold(value), charset))


def clean(text: str) -> str:
    """Decoded text without controls, in composed form."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", text.translate(_CONTROLS))


def as_addresses(value: bytes, charset: str | None = None) -> list[Json]:
    """RFC 8621 §4.1.2.3: groups are left out, their members not."""
    return [
        address_json(one, charset)
        for address in parse_address_list(unfold(value))
        for one in (address.members if isinstance(address, Group) else (address,))
    ]


def as_grouped_addresses(value: bytes, charset: str | None = None) -> list[Json]:
    """RFC 8621 §4.1.2.4: addresses side by side and in no group are one without a name."""
    groups: list[Json] = []
    is_open = False
    for address in parse_address_list(unfold(value)):
        if isinstance(address, Group):
            members = [address_json(one, charset) for one in address.members]
            groups.append({"name": _text(address.name, charset), "addresses": members})
        elif is_open:
            groups[-1]["addresses"].append(address_json(address, charset))
        else:
            groups.append({"name": None, "addresses": [address_json(address, charset)]})
        is_open = isinstance(address, Mailbox)
    return groups


def address_json(address: Mailbox, charset: str | None = None) -> Json:
    """An EmailAddress."""
    email = email_json(address.local, address.domain)
    return {"name": _text(address.name, charset).strip() or None, "email": email}


def email_json(local: bytes, domain: bytes) -> str:
    """An addr-spec, its local part quoted where it must be."""
    if not domain:
        return clean(local.decode("utf-8", "replace"))
    text = local.decode("utf-8", "replace")
    if _UNQUOTED.fullmatch(text) is None:
        text = '"' + _QUOTED_IN_LOCAL.sub(r"\\\1", text) + '"'
    return clean(f"{text}@{domain.decode('utf-8', 'replace')}")


def _text(raw: bytes, charset: str | None) -> str:
    return clean(encoded_word.decode(raw, charset))


def as_message_ids(value: bytes) -> list[str] | None:
    """RFC 8621 §4.1.2.5; None: there is none in angle brackets. No repeats."""
    return [as_raw(one) for one in thread.message_ids(unfold(value))] or None


def as_date(value: bytes) -> str | None:
    """RFC 8621 §4.1.2.6, in the zone that it was written in."""
    found = parse_date(unfold(value))
    return None if found is None else date_json(found.at, found.offset)


def date_json(at: int, offset: int = 0) -> str | None:
    """Unix seconds as RFC 8620 §1.4 writes them; None for what no calendar has."""
    if not offset and 0 <= at < _YEAR_10000:
        return datetime.fromtimestamp(at, UTC).isoformat()[:19] + "Z"
    try:
        zone = timezone(timedelta(minutes=offset)) if offset else UTC
        text = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=at)).astimezone(zone).isoformat()
    except (OverflowError, ValueError):  # a zone of a hundred hours, or a day before year 1
        return date_json(at) if offset else None
    return text.removesuffix("+00:00") + "Z" if not offset else text


def as_urls(value: bytes) -> list[str] | None:
    """RFC 8621 §4.1.2.7: those in angle brackets, outside of comments; None: there is none."""
    return [as_raw(_WHITE.sub(b"", url)) for url in _urls(unfold(value))] or None


def _urls(value: bytes) -> Iterator[bytes]:
    depth = 0
    for token in _URL_TOKEN.finditer(value):
        octets = token[0]
        if octets == b"(":
            depth += 1
        elif octets == b")":
            depth = max(0, depth - 1)
        elif not depth and token[1]:
            yield token[1]


_OF_TEXT: dict[str, Callable[[bytes, str | None], Json]] = {
    names.TEXT: as_text,
    names.ADDRESSES: as_addresses,
    names.GROUPED: as_grouped_addresses,
}
_OF_ASCII: dict[str, Callable[[bytes], Json]] = {
    names.RAW: as_raw,
    names.MESSAGE_IDS: as_message_ids,
    names.DATE: as_date,
    names.URLS: as_urls,
}


def in_form(form: str, value: bytes, charset: str | None) -> Json:
    """One instance of a field, as written behind its colon."""
    if form in _OF_TEXT:
        return _OF_TEXT[form](value, charset)
    return _OF_ASCII[form](value)


def of_property(wanted: names.HeaderProperty, values: Iterable[bytes], charset: str | None) -> Json:
    """The value of a `header:` property, given all instances in order (RFC 8621 §4.1.3)."""
    if wanted.all:
        return [in_form(wanted.form, value, charset) for value in values]
    last = list(values)[-1:]
    return in_form(wanted.form, last[0], charset) if last else None
