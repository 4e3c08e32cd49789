"""Values of properties that stand for header fields, written as these fields.

RFC 8621 §4.1.2. A value comes from a client: nothing in it may begin another field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from pillarbox.jmap.email.header_property import (
    ADDRESSES,
    DATE,
    GROUPED,
    MESSAGE_IDS,
    RAW,
    TEXT,
    URLS,
    HeaderProperty,
)
from pillarbox.jmap.errors import invalid_properties
from pillarbox.message.compose import (
    encode_group,
    encode_mailbox,
    encode_phrase,
    encode_text,
    fold_words,
)
from pillarbox.message.date import format_date

_LONGEST_NAME = 76  # a field's name stands in its first line
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FOLDING = re.compile(r"\r\n(?=[ \t])")
_IDENTIFIER = re.compile(r"[^\s<>\x00-\x1f\x7f]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_LIST_ID = re.compile(r"([^<>]*)(<[!-;=?-~]+>)\s*")
_LONGEST_LINE = 998  # octets (RFC 5322 §2.1.1)
_MOST_OCTETS = 200_000  # of one field: less than the part of a header that is looked at


def encode_property(asked: str, wanted: HeaderProperty, value: Any) -> bytes:
    """The field or fields, whole lines; raises RecordRefused naming `asked`."""
    if len(wanted.field) > _LONGEST_NAME:
        raise invalid_properties("The name of the header field is too long.", asked)
    if wanted.all and not isinstance(value, list):
        raise invalid_properties("With :all the value is a list.", asked)
    lines: list[bytes] = []
    for one in value if wanted.all else [value]:
        words = _ENCODERS[wanted.form](asked, wanted, one)
        if wanted.form not in (RAW, TEXT) and not any(words):
            continue  # a list of nobody is no field (RFC 5322 §3.6.3)
        field = fold_words(wanted.field, words)
        too_long = any(len(line) > _LONGEST_LINE for line in field.split(b"\r\n"))
        if too_long or len(field) > _MOST_OCTETS:
            raise invalid_properties("The value is too long for a header field.", asked)
        lines.append(field)
    return b"".join(lines)


def check_text(asked: str, value: Any) -> str:
    """A string without control characters but tabs; raises RecordRefused."""
    if not isinstance(value, str):
        raise invalid_properties(f"{asked!r} has a value of a wrong type.", asked)
    if _CONTROL.search(value):
        raise invalid_properties(f"{asked!r} holds control characters.", asked)
    return value


def parse_moment(asked: str, value: Any) -> datetime:
    """A Date (RFC 8620 §1.4); raises RecordRefused."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise invalid_properties(f"{asked!r} is no date and time of RFC 3339.", asked)


def _wrong(asked: str) -> NoReturn:
    raise invalid_properties(f"{asked!r} has a value of a wrong type.", asked)


def _raw(asked: str, _wanted: HeaderProperty, value: Any) -> list[str]:
    """As it is; only where its lines end is ours."""
    if not isinstance(value, str):
        _wrong(asked)
    return check_text(asked, _FOLDING.sub("", value)).strip(" \t").split(" ")


def _text(asked: str, wanted: HeaderProperty, value: Any) -> list[str]:
    text = check_text(asked, value)
    identified = _LIST_ID.fullmatch(text) if wanted.key == b"list-id" else None
    if identified is None:
        return encode_text(text).split(" ")
    phrase = encode_phrase(identified[1]) if identified[1].strip() else ""
    return [*phrase.split(" "), identified[2]] if phrase else [identified[2]]


def _addresses(asked: str, _wanted: HeaderProperty, value: Any) -> list[str]:
    return ", ".join(_mailboxes(asked, value)).split(" ")


def _mailboxes(asked: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        _wrong(asked)
    entries: list[str] = []
    for one in value:
        if not isinstance(one, dict) or not one.keys() <= {"name", "email"}:
            _wrong(asked)
        name = check_text(asked, one.get("name") or "")
        address = check_text(asked, one.get("email"))
        if name.strip() or address.strip():  # of a row of a form that nobody filled in, nothing
            entries.append(encode_mailbox(name, address))
    return entries


def _groups(asked: str, _wanted: HeaderProperty, value: Any) -> list[str]:
    if not isinstance(value, list):
        _wrong(asked)
    entries: list[str] = []
    for one in value:
        if not isinstance(one, dict) or not one.keys() <= {"name", "addresses"}:
            _wrong(asked)
        members = _mailboxes(asked, one.get("addresses"))
        name = one.get("name")
        if name is None:
            entries += members
        else:
            entries.append(encode_group(check_text(asked, name), members))
    return ", ".join(entries).split(" ")


def _message_ids(asked: str, _wanted: HeaderProperty, value: Any) -> list[str]:
    return [f"<{one}>" for one in _identifiers(asked, value)]


def _urls(asked: str, _wanted: HeaderProperty, value: Any) -> list[str]:
    return ", ".join([f"<{one}>" for one in _identifiers(asked, value)]).split(" ")


def _identifiers(asked: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        _wrong(asked)
    for one in value:
        if not isinstance(one, str) or not _IDENTIFIER.fullmatch(one):
            raise invalid_properties(f"{asked!r} holds what cannot stand in <…>.", asked)
    return value


def _date(asked: str, _wanted: HeaderProperty, value: Any) -> list[str]:
    return format_date(parse_moment(asked, value)).split(" ")


_ENCODERS: dict[str, Callable[[str, HeaderProperty, Any], list[str]]] = {
    RAW: _raw,
    TEXT: _text,
    ADDRESSES: _addresses,
    GROUPED: _groups,
    MESSAGE_IDS: _message_ids,
    DATE: _date,
    URLS: _urls,
}
