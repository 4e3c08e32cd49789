"""Which parts of a message may be reports, by their types and names. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pillarbox.message.part import Part

if TYPE_CHECKING:
    from pillarbox.store.model import MessageRow

MAX_ATTACHMENTS = 5  # of one message; a report comes alone
MAX_ENCODED_OCTETS = 14 * 1024 * 1024  # base64 of the largest that is unpacked
_MAX_DEPTH = 5

_DMARC_TYPES = frozenset(
    (
        "application/gzip",
        "application/x-gzip",
        "application/zip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/xml",
        "text/xml",
    )
)
_TLS_TYPES = frozenset(("application/tlsrpt+gzip", "application/tlsrpt+json"))
_ANY_TYPES = frozenset(("application/octet-stream", "application/json", "text/plain"))
_DMARC_NAMES = (".xml", ".xml.gz", ".gz", ".zip")
_TLS_NAMES = (".json", ".json.gz")


class Attachment(msgspec.Struct, frozen=True):
    """Where in the message as it is read."""

    kind: str  # "dmarc" or "tls"
    start: int
    end: int
    encoding: str


def find_attachments(row: MessageRow) -> list[Attachment]:
    """The first few, in their order."""
    found: list[Attachment] = []
    _walk(msgspec.msgpack.decode(row.structure, type=Part), len(row.trace), found, 0)
    return found


def _walk(part: Part, offset: int, found: list[Attachment], depth: int) -> None:
    if part.type == "message" or depth > _MAX_DEPTH:
        return  # somebody forwards a report: it is not addressed to us
    for child in part.children:
        _walk(child, offset, found, depth + 1)
    kind = _kind(part)
    size = part.body_end - part.body_start
    if kind and 0 < size <= MAX_ENCODED_OCTETS and len(found) < MAX_ATTACHMENTS:
        start, end = offset + part.body_start, offset + part.body_end
        found.append(Attachment(kind, start, end, part.encoding))


def _kind(part: Part) -> str:
    media_type = f"{part.type}/{part.subtype}"
    name = _name(part)
    if media_type in _TLS_TYPES or (name.endswith(_TLS_NAMES) and part.type != "multipart"):
        return "tls"
    if media_type in _DMARC_TYPES:
        return "dmarc"
    return "dmarc" if media_type in _ANY_TYPES and name.endswith(_DMARC_NAMES) else ""


def _name(part: Part) -> str:
    params = {**dict(part.params), **dict(part.disposition_params)}
    return (params.get("filename") or params.get("name") or "").lower()
