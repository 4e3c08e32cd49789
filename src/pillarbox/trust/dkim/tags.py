"""Tag lists: `name=value; name=value` of signatures, seals and key records (RFC 6376 §3.2)."""

from __future__ import annotations

import base64
import binascii
import re

from msgspec import Struct

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*\Z")
_WHITE = b" \t\r\n"


class BadTags(ValueError):
    """Not a tag list, or a value that its tag cannot have; the text says which."""


class Tags(Struct, frozen=True):
    """Values by tag name, white space around them removed; case as written."""

    values: dict[bytes, bytes]
    b_span: tuple[int, int]  # where the value of b= stands, its white space included; (0, 0): none

    def text(self, name: bytes, default: str | None = None) -> str:
        """A value as text, inner white space removed. Raises BadTags where it has to be there."""
        value = self.values.get(name)
        if value is None:
            if default is None:
                raise BadTags(f"there is no {name.decode()}=")
            return default
        try:
            return squeeze(value).decode()
        except UnicodeDecodeError as error:
            raise BadTags(f"{name.decode()}= is not UTF-8") from error

    def words(self, name: bytes, default: str | None = None) -> list[str]:
        """A list with colons between its members, in lower case. Raises BadTags."""
        return self.text(name, default).lower().split(":")

    def number(self, name: bytes, digits: int) -> int | None:
        """A decimal number of so many digits at most; None: there is none. Raises BadTags."""
        value = self.values.get(name)
        if value is None:
            return None
        if not value.isdigit() or len(value) > digits:
            raise BadTags(f"{name.decode()}= is not a number")
        return int(value)

    def octets(self, name: bytes) -> bytes:
        """What base64 stands for. Raises BadTags."""
        value = self.values.get(name)
        if value is None:
            raise BadTags(f"there is no {name.decode()}=")
        try:
            return base64.b64decode(squeeze(value), validate=True)
        except binascii.Error as error:
            raise BadTags(f"{name.decode()}= is not base64") from error


def parse_tags(raw: bytes, *, most: int = 100) -> Tags:
    """Parse a value or record. Raises BadTags for a nameless or repeated tag, or too many.

    Empty places between two semicolons are allowed: published key records have them.
    """
    values: dict[bytes, bytes] = {}
    b_span = (0, 0)
    at = 0
    for piece in raw.split(b";", most):
        if stripped := piece.strip(_WHITE):
            name, equals, value = stripped.partition(b"=")
            name = name.rstrip(_WHITE)
            if not equals or not _NAME.match(name):
                raise BadTags("what should be a tag has no name")
            if name in values:
                raise BadTags(f"{name.decode()}= is there twice")
            values[name] = value.lstrip(_WHITE)
            if name == b"b":
                b_span = (at + piece.index(b"=") + 1, at + len(piece))
        at += len(piece) + 1
        if len(values) >= most:
            raise BadTags(f"there are more than {most - 1} tags")
    return Tags(values, b_span)


def squeeze(value: bytes) -> bytes:
    """Without its folding white space."""
    return value if value.isalnum() else value.translate(None, _WHITE)
