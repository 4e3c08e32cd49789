"""A message without its attached files: each becomes a line that says what was there.

All octets between the parts stay as they came, so the rest reads as before. What is signed or
encrypted (RFC 1847) is left whole: without a part of it nobody could read or believe the rest.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from pillarbox.message.header import fields
from pillarbox.message.part import Octets, Part

LEAST = 1024  # encoded octets of a file that is worth it
_SEALED = frozenset({"signed", "encrypted"})
_MOST_NAME = 200  # characters
_FOLD = 76


def without_files(octets: Octets, root: Part, day: str) -> bytes | None:
    """None: it has none. `day` is told in the lines."""
    found = list(_files(root, in_related=False))
    if not found:
        return None
    pieces: list[bytes] = []
    at = 0
    for part in found:
        pieces.append(octets[at : part.header_start])
        if part is root:
            pieces.append(_other_fields(octets[part.header_start : part.body_start]))
        pieces.append(_stub(part, day))
        at = part.body_end
    return b"".join([*pieces, octets[at:]])


def _files(part: Part, *, in_related: bool) -> Iterator[Part]:
    """In their order; what is inside an attached message goes with it."""
    if part.type == "multipart":
        if part.subtype not in _SEALED:
            for child in part.children:
                yield from _files(child, in_related=part.subtype == "related")
        return
    if part.body_end - part.body_start < LEAST:
        return
    is_other = part.type not in ("text", "message") and not (in_related and part.content_id)
    if is_other or part.disposition == "attachment":
        yield part


def _stub(part: Part, day: str) -> bytes:
    """The header and the text of what stands there instead."""
    name = dict(part.disposition_params).get("filename") or dict(part.params).get("name")
    shown = "".join(filter(str.isprintable, name or f"{part.type}/{part.subtype}"))[:_MOST_NAME]
    octets = part.body_end - part.body_start
    size = _readable(octets * 57 // 78 if part.encoding == "base64" else octets)  # a line of it
    text = f"[{shown}, {size}: removed on {day}]".encode(errors="replace")
    encoded = base64.b64encode(text)
    lines = [encoded[start : start + _FOLD] for start in range(0, len(encoded), _FOLD)]
    head = (
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Disposition: inline\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + b"\r\n".join(lines)


def _other_fields(header: bytes) -> bytes:
    kept = [one for one in fields(header) if not one.name.lower().startswith(b"content-")]
    return b"".join(one.raw for one in kept)


def _readable(octets: int) -> str:
    for unit, size in (("MB", 1_000_000), ("KB", 1000)):
        if octets >= size:
            return f"{octets / size:.1f} {unit}"
    return f"{octets} B"
