"""What of a message is searched: its header and its text, decoded and folded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pillarbox.message import encoded_word, header
from pillarbox.message.casefold import fold
from pillarbox.message.part import Octets, Part
from pillarbox.message.text import searchable_text
from pillarbox.store.search.glance import holds

# Octets of all headers of one message that are searched. No setting: what is looked for stands in
# the first of them, doors and `store.message` bound headers already, and every change would need
# all documents made anew.
_MAX_HEADER = 256 * 1024
# What str.split takes for white space and bytes.split does not, as another that folds no lines.
_ONE_SPACE = bytes.maketrans(b"\x1c\x1d\x1e\x1f", b"\v\v\v\v")
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


class Content:
    """What the documents of a message have in common in all accounts; only its trace differs."""

    def __init__(self, octets: Octets, root: Part, max_octets: int) -> None:
        self._octets = octets
        self._root = root
        self._max_octets = max_octets
        end = min(root.body_start, root.header_start + _MAX_HEADER)
        self._own = octets[root.header_start : end]
        self._inner: bytes | None = None  # lines of the parts' headers, when they were asked for
        self._body: bytes | None = None

    def document(self, trace: bytes) -> Document:
        """The document with that trace in front; never raises on any octets."""
        if self._body is None:
            text = searchable_text(self._octets, self._root, max_octets=self._max_octets)
            self._body = " ".join(fold(text).split()).encode("utf-8", "replace")
        return Document(self._head(trace), self._body)

    def body_holds(self, needle: str) -> bool | None:
        """Whether the document's body holds a needle that `is_glanced_for`; None: perhaps."""
        return holds(self._octets, self._root, needle, max_octets=self._max_octets)

    def head_holds(self, trace: bytes, needle: bytes) -> bool:
        """Whether its head does."""
        raw = b"\n".join([trace, self._own, *_part_headers(self._octets, self._root)])
        if raw.isascii() and b"=?" not in raw and needle not in raw.lower():
            return False
        return needle in self._head(trace)

    def _head(self, trace: bytes) -> bytes:
        if self._inner is None:
            headers = _part_headers(self._octets, self._root)
            self._inner = _TOP_END + b"\n".join([_lines(raw) for raw in headers])
        return b"\n" + _lines(trace + self._own) + self._inner


def _lines(raw: bytes) -> bytes:
    """A line "name: value" for each field, folded."""
    if raw.isascii() and b"=?" not in raw:  # nothing to decode: nearly all mail
        plain = raw.translate(_ONE_SPACE)
        named = [name + b": " + b" ".join(value.split()) for name, value in header.pairs(plain)]
        return b"\n".join(named).lower()
    decoded = [
        field.name.decode("latin-1") + ": " + " ".join(encoded_word.decode(field.value).split())
        for field in header.fields(raw)
    ]
    return fold("\n".join(decoded)).encode("utf-8", "replace")


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
