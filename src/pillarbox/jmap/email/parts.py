"""A message's parts as JMAP shows them (RFC 8621 §4.1.4): numbers, types, names, and their tree.

Messages within messages are parts without parts of their own; they are looked into with
Email/parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pillarbox.message.part import Params, Part
from pillarbox.message.text import param

_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One part of a message."""

    part: Part
    number: str  # IMAP's: "1.2"; "" for a message that is a multipart
    sub_parts: tuple[BodyPart, ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Whether it holds parts and no content."""
        return self.part.type == "multipart"

    @property
    def type(self) -> str:
        """Type and subtype."""
        return f"{self.part.type}/{self.part.subtype}"

    @property
    def name(self) -> str | None:
        """The file's name that its sender gave it."""
        return find(self.part.disposition_params, "filename") or param(self.part, "name") or None

    @property
    def charset(self) -> str | None:
        """As given; of text, "us-ascii" where none is."""
        given = param(self.part, "charset")
        return given or ("us-ascii" if self.part.type == "text" else None)

    @property
    def cid(self) -> str | None:
        """Content-ID without its brackets."""
        given = self.part.content_id
        return None if given is None else _COMMENT.sub("", given).strip().strip("<>").strip()

    @property
    def location(self) -> str | None:
        """Content-Location; folding may have put white space into it."""
        given = self.part.location
        return None if given is None else "".join(given.split())

    @property
    def language(self) -> list[str] | None:
        """The tags of Content-Language."""
        return list(self.part.language) or None


def body_part(root: Part) -> BodyPart:
    """The tree below a message's root; a message that is one part is its own part 1."""
    if root.type == "multipart":
        return BodyPart(root, "", _children(root, ""))
    return BodyPart(root, "1")


def _children(part: Part, prefix: str) -> tuple[BodyPart, ...]:
    found: list[BodyPart] = []
    for at, child in enumerate(part.children, 1):
        number = f"{prefix}{at}"
        below = _children(child, number + ".") if child.type == "multipart" else ()
        found.append(BodyPart(child, number, below))
    return tuple(found)


def walk(root: BodyPart) -> Iterator[BodyPart]:
    """All parts, each before those within it."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.sub_parts))


def find_part(root: Part, path: tuple[int, ...]) -> Part | None:
    """The part of a number; None: there is none, or it is a multipart."""
    if root.type != "multipart":
        return root if path == (1,) else None
    part = root
    for number in path:
        if part.type != "multipart" or not 0 < number <= len(part.children):
            return None
        part = part.children[number - 1]
    return None if part.type == "multipart" else part


def find(params: Params, name: str) -> str | None:
    """A parameter's value."""
    return next((value for other, value in params if other == name), None)
