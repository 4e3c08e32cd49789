"""One Email as JSON: from its columns, and from its octets only where these are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from pillarbox.ids import MessageId, ThreadId
from pillarbox.jmap.email.bodies import Bodies, bodies_of
from pillarbox.jmap.email.envelope import EnvelopeFields
from pillarbox.jmap.email.forms import as_raw, date_json, of_property
from pillarbox.jmap.email.header_property import HeaderProperty
from pillarbox.jmap.email.metadata import keywords_of, mailbox_ids_of, mailboxes_since
from pillarbox.jmap.email.octets import Source
from pillarbox.jmap.email.parts import BodyPart, body_part, walk
from pillarbox.jmap.email.values import body_value
from pillarbox.jmap.email.wanted import OF_PART, Wanted
from pillarbox.jmap.ids import email_id, thread_id
from pillarbox.jmap.method import Answer
from pillarbox.message import header
from pillarbox.message.part import Part
from pillarbox.message.text import param
from pillarbox.store.sql.email_places import Place

Json = Any
RawFields = Sequence[tuple[bytes, bytes]]  # names as written, and what stands behind the colons


class Email:
    """One message while it is told of; what no property needs is not looked at."""

    __slots__ = (
        "_bodies",
        "_fields",
        "_headers",
        "_root",
        "_sizes",
        "_values",
        "blob_id",
        "envelope",
        "has_attachment",
        "id",
        "part_tree",
        "places",
        "preview",
        "received_at",
        "size",
        "thread",
    )

    def __init__(self, blob_id: str, envelope: bytes, size: int, preview: str) -> None:
        self.blob_id = blob_id
        self.envelope = envelope
        self.size = size
        self.preview = preview
        self.has_attachment = False
        self.part_tree: Part | None = None  # set where it is needed
        # Of one that is in the store:
        self.id: MessageId | None = None
        self.thread: ThreadId | None = None
        self.places: Sequence[Place] = ()
        self.received_at = 0
        # What was read of it:
        self._headers: dict[str, RawFields] = {}  # by number of the part; "0": the message's own
        self._sizes: dict[str, int] = {}
        self._values: Answer = {}
        self._bodies: Bodies | None = None
        self._root: BodyPart | None = None
        self._fields: EnvelopeFields | None = None

    @property
    def charset(self) -> str | None:
        """What fields that are neither ASCII nor UTF-8 are likely to be in."""
        return param(self.part_tree, "charset") if self.part_tree is not None else None

    @property
    def fields(self) -> EnvelopeFields:
        """What ENVELOPE says."""
        if self._fields is None:
            self._fields = EnvelopeFields(self.envelope, self.charset)
        return self._fields

    @property
    def root(self) -> BodyPart:
        """The tree of parts."""
        if self._root is None:
            assert self.part_tree is not None
            self._root = body_part(self.part_tree)
        return self._root

    @property
    def bodies(self) -> Bodies:
        """The parts by what they are for."""
        if self._bodies is None:
            self._bodies = bodies_of(self.root)
        return self._bodies

    async def load(self, source: Source, wanted: Wanted, most_header: int) -> None:
        """Read what the wanted properties need. Raises Damaged."""
        if wanted.reads_header:
            raw = await source.header(self.root.part, most_header)
            self._headers["0"] = _fields(raw)
        if wanted.reads_parts:
            for part in self._listed(wanted):
                await self._load_part(source, part, wanted, most_header)
        if wanted.reads_values:
            most = wanted.values.max_body_value_bytes
            for part in self.text_parts(wanted):
                self._values[part.number] = await body_value(source, part, most)

    def _listed(self, wanted: Wanted) -> list[BodyPart]:
        if not wanted.names.isdisjoint({"bodyStructure"}):
            return list(walk(self.root))
        bodies = self.bodies
        lists = {
            "textBody": bodies.text,
            "htmlBody": bodies.html,
            "attachments": bodies.attachments,
        }
        found = [part for name, parts in lists.items() if name in wanted.names for part in parts]
        return list({part.number: part for part in found}.values())

    async def _load_part(
        self, source: Source, part: BodyPart, wanted: Wanted, most_header: int
    ) -> None:
        if wanted.part_headers or "headers" in wanted.of_part:
            raw = await source.header(part.part, most_header)
            self._headers[part.number] = _fields(raw)
        if "size" in wanted.of_part:
            self._sizes[part.number] = await source.decoded_size(part.part)

    def text_parts(self, wanted: Wanted) -> list[BodyPart]:
        """The parts whose text is wanted, each once."""
        values = wanted.values
        found: list[BodyPart] = []
        if values.fetch_all_body_values:
            found += walk(self.root)
        if values.fetch_text_body_values:
            found += self.bodies.text
        if values.fetch_html_body_values:
            found += self.bodies.html
        return list({part.number: part for part in found if part.part.type == "text"}.values())

    def answer(self, wanted: Wanted) -> Answer:
        """The record, after what it needs was loaded."""
        told: Answer = {}
        for name, tell in _tellers(wanted.names):
            told[name] = tell(self, wanted)
        if wanted.headers:
            for name, asked in wanted.headers:
                told[name] = self._header_value(asked, self._headers["0"])
        return told

    def _header_value(self, asked: HeaderProperty, fields: RawFields) -> Json:
        key = asked.key
        found = [value for name, value in fields if name.lower() == key]
        return of_property(asked, found, self.charset)

    def part_json(self, part: BodyPart, wanted: Wanted, *, with_parts: bool = False) -> Answer:
        """An EmailBodyPart."""
        told: Answer = {}
        for name in wanted.of_part:
            if name in OF_PART:
                told[name] = OF_PART[name](part)
            elif name == "blobId":
                told[name] = None if part.is_multipart else self._part_blob_id(part)
            elif name == "size":
                told[name] = self._sizes[part.number]
            elif name == "headers":
                told[name] = headers_json(self._headers[part.number])
        for name, asked in wanted.part_headers:
            told[name] = self._header_value(asked, self._headers[part.number])
        if with_parts and part.is_multipart:
            told["subParts"] = [
                self.part_json(one, wanted, with_parts=True) for one in part.sub_parts
            ]
        elif "subParts" in wanted.of_part:
            told["subParts"] = None
        return told

    def _part_blob_id(self, part: BodyPart) -> str:
        return f"{self.blob_id}_{part.number.replace('.', '-')}"

    def parts_json(self, parts: Sequence[BodyPart], wanted: Wanted) -> list[Answer]:
        """Several, without parts of theirs."""
        return [self.part_json(part, wanted) for part in parts]

    def headers_json(self) -> list[Json]:
        """All fields of the message."""
        return headers_json(self._headers["0"])

    @property
    def values(self) -> Answer:
        """The texts that were loaded, by part."""
        return self._values


def _fields(raw: bytes) -> RawFields:
    return [(name, value.removesuffix(b"\r")) for name, value in header.pairs(raw)]


def headers_json(fields: RawFields) -> list[Json]:
    """EmailHeader objects."""
    return [{"name": name.decode("ascii"), "value": as_raw(value)} for name, value in fields]


@lru_cache(maxsize=64)  # a client asks for few sets of properties, and for each very often
def _tellers(names: frozenset[str]) -> tuple[tuple[str, Callable[[Email, Wanted], Json]], ...]:
    return tuple((name, tell) for name, tell in _PROPERTIES.items() if name in names)


def _received_at(email: Email, _wanted: Wanted) -> str | None:
    return None if email.id is None else date_json(email.received_at)


# In the order of the answer. What a message that is not in the store has not is null
# (RFC 8621 §4.9).
_PROPERTIES: dict[str, Callable[[Email, Wanted], Json]] = {
    "id": lambda email, _: None if email.id is None else email_id(email.id),
    "blobId": lambda email, _: email.blob_id,
    "threadId": lambda email, _: None if email.thread is None else thread_id(email.thread),
    "mailboxIds": lambda email, _: None if email.id is None else mailbox_ids_of(email.places),
    "mailboxesSince": lambda email, _: None if email.id is None else mailboxes_since(email.places),
    "keywords": lambda email, _: None if email.id is None else keywords_of(email.places),
    "size": lambda email, _: email.size,
    "receivedAt": _received_at,
    "messageId": lambda email, _: email.fields.message_id,
    "inReplyTo": lambda email, _: email.fields.in_reply_to,
    "from": lambda email, _: email.fields.from_,
    "to": lambda email, _: email.fields.to,
    "cc": lambda email, _: email.fields.cc,
    "bcc": lambda email, _: email.fields.bcc,
    "subject": lambda email, _: email.fields.subject,
    "sentAt": lambda email, _: email.fields.sent_at,
    "hasAttachment": lambda email, _: email.has_attachment,
    "preview": lambda email, _: email.preview,
    "headers": lambda email, _: email.headers_json(),
    "bodyStructure": lambda email, wanted: email.part_json(email.root, wanted, with_parts=True),
    "bodyValues": lambda email, _: email.values,
    "textBody": lambda email, wanted: email.parts_json(email.bodies.text, wanted),
    "htmlBody": lambda email, wanted: email.parts_json(email.bodies.html, wanted),
    "attachments": lambda email, wanted: email.parts_json(email.bodies.attachments, wanted),
}
