"""What of a message is searched: its header and its text, decoded and folded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pillarbox.message import encoded_word, header
from pillarbox.message.casefold import fold
from pillarbox.message.part import Octets, Part
from pillarbox.message.text import searchable_text

_MAX_HEADER = 256 * 1024  # octets of all headers of one message that are searched
_TOP_END = b"\n\n"  # between the message's own fields and those of its parts


class Document(NamedTuple):
    """Folded UTF-8.

    `head` has a line "name: value" for each field of the message, then an empty line, then the
    fields of its parts.
    """

    head: bytes
    body: bytes


def has_field(head: bytes, name: bytes, needle: bytes) -> bool:
    """Whether a field of that name of the message itself holds the needle (b"" always does)."""
    top = head.partition(_TOP_END)[0]
    start = b"\n" + name + b":"
    at = top.find(start)
    while at >= 0:
        end = top.find(b"\n", at + 1)
        if needle in top[at + len(start) : end if end >= 0 else len(top)]:
            return True
        at = top.find(start, at + 1)
    return False


def squeeze(text: str) -> str:
    """Every run of white space as one space, so that a phrase is found across line ends."""
    if not text:
        return text
    before = " " if text[0].isspace() else ""
    after = " " if text[-1].isspace() and text.strip() else ""
    return before + " ".join(text.split()) + after


def add_columns(words: Document, columns: Iterable[str]) -> Document:
    """The folded columns must be found through the head's trigrams: add those that differ."""
    octets = [column.encode("utf-8", "replace") for column in columns]
    extra = [column for column in octets if column not in words.head]
    if not extra:
        return words
    end = b"" if _TOP_END in words.head else _TOP_END
    return Document(words.head + end + b"\n".join(extra), words.body)


def make_document(octets: Octets, root: Part, trace: bytes, max_octets: int) -> Document:
    """The document of a message; never raises on any octets."""
    own = trace + octets[root.header_start : min(root.body_start, root.header_start + _MAX_HEADER)]
    top = _lines(own)
    inner = [_lines(raw) for raw in _part_headers(octets, root)]
    text = fold(searchable_text(octets, root, max_octets=max_octets))
    head = "\n" + "\n".join(top) + "\n\n" + "\n".join("\n".join(lines) for lines in inner)
    return Document(
        fold(head).encode("utf-8", "replace"),
        " ".join(text.split()).encode("utf-8", "replace"),
    )


def _lines(raw: bytes) -> list[str]:
    return [
        field.name.decode("latin-1") + ": " + " ".join(encoded_word.decode(field.value).split())
        for field in header.fields(raw)
    ]


def _part_headers(octets: Octets, root: Part) -> list[bytes]:
    found: list[bytes] = []
    left = _MAX_HEADER
    waiting = list(reversed(root.children))
    while waiting and left > 0:
        part = waiting.pop()
        raw = octets[part.header_start : min(part.body_start, part.header_start + left)]
        left -= len(raw)
        found.append(raw)
        waiting.extend(reversed(part.children))
    return found
