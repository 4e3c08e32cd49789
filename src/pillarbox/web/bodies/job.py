"""What a cleaning process is asked, and what it answers. Both go through a pipe as msgpack."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Piece(Struct, frozen=True, array_like=True):
    """A part that is shown: its decoded octets, as many as are shown."""

    kind: Literal["html", "text", "image"]
    octets: bytes
    charset: str | None = None
    flowed: bool = False  # RFC 3676
    delete_space: bool = False
    number: str = ""  # of an image: its part


class Bounds(Struct, frozen=True, array_like=True):
    """How far the process goes."""

    style_octets: int
    nesting: int
    result_octets: int


class Job(Struct, frozen=True, array_like=True):
    """One message."""

    pieces: tuple[Piece, ...]
    as_text: bool
    marker: str  # stands before the number of a remote picture; nobody outside knows it
    part_path: str  # before a part's number
    inline: dict[str, str]  # Content-ID or Content-Location → part number
    bounds: Bounds


class Link(Struct, frozen=True, array_like=True):
    """A link whose text names another host than it leads to."""

    text: str
    host: str


class Facts(Struct, frozen=True, array_like=True):
    """What the reader is told."""

    trackers: int = 0
    mismatched: tuple[Link, ...] = ()
    forms_removed: bool = False
    text_only: bool = False  # it has HTML, which could not be cleaned
    dark_aware: bool = False
    is_coloured: bool = False
    unreadable: int = 0  # characters that could not be decoded
    is_empty: bool = False  # nothing can be read, or seen, in it
    pgp: bool = False  # its text is encrypted
    images: int = 0  # remote ones that are no trackers


class Cleaned(Struct, frozen=True, array_like=True):
    """A message's body, ready to be put into a document."""

    markup: str
    styles: str
    body_attributes: str  # with a space in front
    remote: tuple[str, ...]  # URLs of pictures, by number
    facts: Facts
