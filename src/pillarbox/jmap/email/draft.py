"""An Email as a client wants it made → a plan, in which only the octets of blobs are missing.

RFC 8621 §4.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from pillarbox.jmap.email.draft_field import (
    encode_property,
    parse_moment,
)
from pillarbox.jmap.email.draft_part import PartPlan, Values, parse_part, parse_values
from pillarbox.jmap.email.given import Keywords, parse_keywords, parse_mailbox_ids
from pillarbox.jmap.email.header_property import CONVENIENT, HeaderProperty, find_header_property
from pillarbox.jmap.errors import invalid_properties
from pillarbox.message.compose import fold_words
from pillarbox.message.date import format_date

_META = frozenset(("mailboxIds", "keywords", "receivedAt"))
_LISTS = ("textBody", "htmlBody", "attachments")
_BODY = frozenset(("bodyStructure", "bodyValues", *_LISTS))


class Draft(msgspec.Struct, frozen=True):
    """Checked as far as it can be without the store."""

    mailboxes: tuple[str, ...]
    keywords: Keywords
    received_at: int | None
    fields: bytes  # of the message, whole lines
    root: PartPlan

    def blob_ids(self) -> list[str]:
        """Each id once, in order."""
        return list(dict.fromkeys(part.blob for part in self.parts() if part.blob))

    def parts(self) -> Iterator[PartPlan]:
        """The outermost part and all inside it."""
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            yield part
            waiting += reversed(part.parts)


def parse_draft(email: dict[str, Any], *, now: datetime, message_id: str, max_depth: int) -> Draft:
    """`message_id`: for a message that brings none. Raises RecordRefused."""
    email = {name: value for name, value in email.items() if value is not None}
    _check_lists(email)
    wanted = _fields_of(email)
    lines = [encode_property(name, field, email[name]) for name, field in wanted.items()]
    there = {wanted[name].key for name, line in zip(wanted, lines, strict=True) if line}
    structure = email.get("bodyStructure")
    root = (
        parse_part(structure, parse_values(email), max_depth)
        if structure is not None
        else _plain(email)
    )
    there |= _check_root(root, there)
    if b"date" not in there:
        lines.insert(0, fold_words("Date", format_date(now).split(" ")))
    if b"message-id" not in there:
        lines.append(fold_words("Message-ID", [f"<{message_id}>"]))
    if b"mime-version" not in there:
        lines.append(b"MIME-Version: 1.0\r\n")
    received = email.get("receivedAt")
    return Draft(
        parse_mailbox_ids(email.get("mailboxIds")),
        parse_keywords(email.get("keywords")),
        None if received is None else parse_received_at(received),
        b"".join(lines),
        root,
    )


def parse_received_at(value: Any) -> int:
    """A UTCDate (RFC 8620 §1.4) in Unix seconds; raises RecordRefused."""
    moment = parse_moment("receivedAt", value)
    if not value.endswith("Z"):
        raise invalid_properties("receivedAt is a time in UTC.", "receivedAt")
    return int(moment.timestamp())


def _fields_of(email: dict[str, Any]) -> dict[str, HeaderProperty]:
    """The properties that stand for header fields. Raises RecordRefused for what cannot be."""
    wanted: dict[str, HeaderProperty] = {}
    wrong: list[str] = []
    for name in email:
        field = CONVENIENT.get(name) or find_header_property(name)
        if field is not None and not field.key.startswith(b"content-"):
            wanted[name] = field
        elif name not in _META and name not in _BODY:
            wrong.append(name)
    if wrong:
        raise invalid_properties("A new message cannot have that set.", *wrong)
    _check_once(wanted)
    return wanted


def _check_once(wanted: dict[str, HeaderProperty]) -> None:
    """Whether each header field is told by one property. Raises RecordRefused."""
    by_field: dict[bytes, list[str]] = {}
    for name, field in wanted.items():
        by_field.setdefault(field.key, []).append(name)
    twice = [name for names in by_field.values() if len(names) > 1 for name in names]
    if twice:
        raise invalid_properties("Two properties stand for one header field.", *twice)


def _check_root(root: PartPlan, there: set[bytes]) -> set[bytes]:
    """The fields that the outermost part brings for the message."""
    if root.other_fields & there:
        raise invalid_properties("A header field is set twice.", "bodyStructure")
    return set(root.other_fields)


def _plain(email: dict[str, Any]) -> PartPlan:
    """The parts of a message that is given as text, HTML and files."""
    values = parse_values(email)
    text = _only(email, "textBody", "text/plain", values)
    html = _only(email, "htmlBody", "text/html", values)
    files = _files(email, values)
    if html is not None:
        shown = [file for file in files if file.is_shown_inside]
        files = [file for file in files if not file.is_shown_inside]
        html = _join("related", [html, *shown])
    bodies = [body for body in (text, html) if body is not None]
    if not bodies and not files:
        return PartPlan("text/plain", text="")
    body = [_join("alternative", bodies)] if bodies else []
    return _join("mixed", [*body, *files], always=bool(files))


def _only(email: dict[str, Any], name: str, kind: str, values: Values) -> PartPlan | None:
    given = email.get(name)
    if given is None or given == []:
        return None
    if not isinstance(given, list) or len(given) != 1:
        raise invalid_properties(f"{name} has one part.", name)
    part = parse_part({"type": kind} | _as_object(given[0], name), values, 1, name)
    if part.type != kind:
        raise invalid_properties(f"{name} is of the type {kind}.", name)
    return part


def _files(email: dict[str, Any], values: Values) -> list[PartPlan]:
    given = email.get("attachments", [])
    if not isinstance(given, list):
        raise invalid_properties("attachments is a list of parts.", "attachments")
    files: list[PartPlan] = []
    for one in given:
        part = _as_object(one, "attachments")
        if not any(name.lower().startswith("header:content-disposition") for name in part):
            # Else a text would be shown as if it were of the letter itself.
            part = {"disposition": "attachment"} | {k: v for k, v in part.items() if v is not None}
        files.append(parse_part(part, values, 1, "attachments"))
    return files


def _as_object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid_properties(f"{name} is a list of parts.", name)
    return value


def _join(subtype: str, parts: list[PartPlan], *, always: bool = False) -> PartPlan:
    if len(parts) == 1 and not always:
        return parts[0]
    kind = f"multipart/{subtype}"
    words = (f"{kind};", f'type="{parts[0].type}"') if subtype == "related" else (kind,)  # RFC 2387
    return PartPlan(kind, type_words=words, parts=tuple(parts))


def _check_lists(email: dict[str, Any]) -> None:
    """Whether the body is told in one way. Raises RecordRefused."""
    if email.get("bodyStructure") is not None:
        both = [name for name in _LISTS if email.get(name) is not None]
        if both:
            raise invalid_properties("bodyStructure stands alone.", "bodyStructure", *both)
