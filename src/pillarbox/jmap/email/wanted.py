"""What a client wants to know of each message, checked once for a whole call (RFC 8621 §4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from msgspec import field

from pillarbox.jmap.email.header_property import (
    CONVENIENT,
    HeaderProperty,
    find_header_property,
)
from pillarbox.jmap.email.parts import BodyPart
from pillarbox.jmap.errors import invalid_arguments
from pillarbox.jmap.method import Arguments
from pillarbox.jmap.standard import Count

METADATA = ("id", "blobId", "threadId", "mailboxIds", "keywords", "size", "receivedAt")
# What the store keeps in columns; the rest of the header is read.
FROM_ENVELOPE = ("messageId", "inReplyTo", "from", "to", "cc", "bcc", "subject", "sentAt")
FROM_HEADER = ("references", "sender", "replyTo")
FROM_STRUCTURE = ("bodyStructure", "bodyValues", "textBody", "htmlBody", "attachments")
KNOWN = frozenset((*METADATA, *FROM_ENVELOPE, *FROM_HEADER, *FROM_STRUCTURE)) | {
    "headers",
    "hasAttachment",
    "preview",
    "mailboxesSince",  # ours; told when it is asked for
}
_LISTS_PARTS = frozenset(FROM_STRUCTURE) - {"bodyValues"}

DEFAULT_PARSED = (
    "messageId", "inReplyTo", "references", "sender", "from", "to", "cc", "bcc", "replyTo",
    "subject", "sentAt", "hasAttachment", "preview", "bodyValues", "textBody", "htmlBody",
    "attachments",
)  # fmt: skip
DEFAULT = (*METADATA, *DEFAULT_PARSED)
DEFAULT_OF_PART = (
    "partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language",
    "location",
)  # fmt: skip
# Of the part alone; the others need the message's octets, or its ids.
OF_PART: dict[str, Callable[[BodyPart], Any]] = {
    "partId": lambda part: None if part.is_multipart else part.number,
    "name": lambda part: part.name,
    "type": lambda part: part.type,
    "charset": lambda part: part.charset,
    "disposition": lambda part: part.part.disposition,
    "cid": lambda part: part.cid,
    "language": lambda part: part.language,
    "location": lambda part: part.location,
}
_KNOWN_OF_PART = frozenset((*OF_PART, "blobId", "size", "headers", "subParts"))


class BodyArguments(Arguments, frozen=True, kw_only=True):
    """What Email/get and Email/parse share."""

    body_properties: tuple[str, ...] | None = None
    fetch_text_body_values: bool = False
    fetch_html_body_values: bool = field(default=False, name="fetchHTMLBodyValues")
    fetch_all_body_values: bool = False
    max_body_value_bytes: Count = 0


@dataclass(frozen=True)
class Wanted:
    """The properties of a call, sorted by what they need."""

    names: frozenset[str]
    headers: tuple[tuple[str, HeaderProperty], ...]  # by the name to answer with
    of_part: tuple[str, ...]
    part_headers: tuple[tuple[str, HeaderProperty], ...]
    values: BodyArguments

    @cached_property
    def reads_header(self) -> bool:
        """Whether the message's header is needed."""
        return bool(self.headers) or "headers" in self.names

    @cached_property
    def reads_structure(self) -> bool:
        """Whether its part tree is needed."""
        return not self.names.isdisjoint(FROM_STRUCTURE)

    @cached_property
    def lists_parts(self) -> bool:
        """Whether parts are described, not only their text told."""
        return not self.names.isdisjoint(_LISTS_PARTS)

    @cached_property
    def reads_parts(self) -> bool:
        """Whether the octets of parts are needed to describe them."""
        return self.lists_parts and (
            bool(self.part_headers) or "headers" in self.of_part or "size" in self.of_part
        )

    @cached_property
    def reads_values(self) -> bool:
        """Whether texts are to be told."""
        values = self.values
        return "bodyValues" in self.names and (
            values.fetch_text_body_values
            or values.fetch_html_body_values
            or values.fetch_all_body_values
        )

    @cached_property
    def reads_octets(self) -> bool:
        """Whether columns are not enough."""
        return self.reads_header or self.reads_parts or self.reads_values


def check_wanted(names: Iterable[str], body: BodyArguments) -> Wanted:
    """Raises invalidArguments for names that there are not, and for forms that may not be asked."""
    plain, headers = _sorted(names, KNOWN)
    headers += [(name, CONVENIENT[name]) for name in FROM_HEADER if name in plain]
    given = DEFAULT_OF_PART if body.body_properties is None else body.body_properties
    of_part, part_headers = _sorted(given, _KNOWN_OF_PART)
    return Wanted(frozenset(plain), tuple(headers), tuple(of_part), tuple(part_headers), body)


def _sorted(
    names: Iterable[str], known: frozenset[str]
) -> tuple[list[str], list[tuple[str, HeaderProperty]]]:
    plain: list[str] = []
    headers: list[tuple[str, HeaderProperty]] = []
    for name in dict.fromkeys(names):
        if name in known:
            plain.append(name)
            continue
        found = find_header_property(name)
        if found is None:
            if name.startswith("header:"):
                raise invalid_arguments(f"{name!r} cannot be asked for.")
            raise invalid_arguments(f"There is no property {name!r}.")
        headers.append((name, found))
    return plain, headers
