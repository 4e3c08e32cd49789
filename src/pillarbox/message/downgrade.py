"""8-bit and binary content rewritten for servers that take neither (RFC 2045 §6, RFC 6152 §3).

Leaves are re-encoded as quoted-printable or base64, and the Content-Transfer-Encoding fields of
what holds them follow; every other header field stays as it is. What its sender sealed
(multipart/signed, multipart/encrypted) may not be touched (RFC 1847 §2.1) and what may not be
encoded (message/partial) cannot be: these raise CannotConvert when they need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from pillarbox.errors import PillarboxError
from pillarbox.message import quoting
from pillarbox.message.line_ends import with_line_ends
from pillarbox.message.part import Octets
from pillarbox.message.structure import Node, scan

Target = Literal["7BIT", "8BITMIME"]
How = Literal["quoted-printable", "base64", "escape", "question"]

STEP = 64 * 1024  # octets looked at or given out at a time
MAX_LINE = 998  # octets of a line without its end (RFC 5321 §4.5.3.1.6, RFC 2045 §2.7)

_IDENTITY = frozenset((b"", b"7bit", b"8bit", b"binary"))
_SEALED = frozenset((b"signed", b"encrypted"))
# RFC 6532 §3.7, RFC 6533 §4: these, unlike message/rfc822, may be encoded.
_ENCODABLE_MESSAGES = frozenset(
    (b"global", b"global-headers", b"global-delivery-status", b"global-disposition-notification")
)
_ENCODING_FIELD = re.compile(
    rb"^content-transfer-encoding[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)
_MIME_VERSION = re.compile(rb"^mime-version[ \t]*:", re.IGNORECASE | re.MULTILINE)
_CONTENT_TYPE = re.compile(rb"^content-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HIGH = bytes(range(128, 256))


class CannotConvert(PillarboxError):
    """The message would need to be rewritten where it may not be."""

    sentence = (
        "The message holds 8-bit content under a signature or encryption, and the other server "
        "takes only 7-bit content."
    )

    status = "5.6.2"  # RFC 3463 §3.7: conversion required but prohibited


class NoConversion(CannotConvert):
    """The part's form leaves no way to encode it."""

    sentence = (
        "The message holds 8-bit content in a part that cannot be encoded, and the other server "
        "takes only 7-bit content."
    )

    status = "5.6.3"  # conversion required but not supported


class _Edit(msgspec.Struct, frozen=True):
    """The octets [start, end) are replaced: by `octets`, or by themselves encoded."""

    start: int
    end: int
    octets: bytes = b""
    how: How | None = None
    raw: bool = False  # a CR or LF on its own is content, not a line end


class Downgraded:
    """A rewritten message: what changes is noted, the octets are made while they are read."""

    def __init__(self, octets: Octets, edits: list[_Edit]) -> None:
        self._octets = octets
        self._edits = sorted(edits, key=lambda edit: (edit.start, edit.end))
        # Its cost is one encoding more; SIZE is worth it (RFC 1870 §5).
        self.size = sum(map(len, self.pieces()))

    @property
    def is_changed(self) -> bool:
        """Whether anything had to be rewritten."""
        return bool(self._edits)

    def pieces(self) -> Iterator[bytes]:
        """All octets, about 100 KiB at a time; may be asked for again."""
        at = 0
        for edit in self._edits:
            yield from self._copied(at, edit.start)
            if edit.how is None:
                yield edit.octets
            else:
                steps = self._copied(edit.start, edit.end)
                yield from quoting.ENCODERS[edit.how](steps if edit.raw else with_line_ends(steps))
            at = edit.end
        yield from self._copied(at, len(self._octets))

    def _copied(self, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, STEP):
            yield self._octets[at : min(at + STEP, end)]


def downgrade(octets: Octets, target: Target) -> Downgraded:
    """Rewrite what `target` does not carry. Raises CannotConvert.

    To "8BITMIME": NUL, CR or LF on its own, and overlong lines go. To "7BIT": high octets, too.
    """
    return Downgraded(octets, _Planner(octets, target).plan())


class _Planner:
    """Which octets change. Parents come before their children in `scan`, so seals are known."""

    def __init__(self, octets: Octets, target: Target) -> None:
        self._octets = octets
        self._target = target
        self._edits: list[_Edit] = []
        self._sealed: set[int] = set()
        self._opaque: set[int] = set()  # inside something that is encoded as a whole
        self._needy: set[int] = set()

    def plan(self) -> list[_Edit]:
        nodes = scan(self._octets)
        for node in reversed(nodes):
            if self._is_needy(node):
                self._needy.add(id(node))
        for node in nodes:
            self._inherit(node)
            if id(node) in self._opaque:
                continue
            if node.type == b"multipart" and node.children:
                self._plan_multipart(node)
            elif node.children:  # message/rfc822
                self._plan_message(node)
            else:
                self._plan_leaf(node)
        return self._edits

    def _inherit(self, node: Node) -> None:
        sealed = id(node) in self._sealed or (node.type == b"multipart" and node.subtype in _SEALED)
        for child in node.children:
            if sealed:
                self._sealed.add(id(child))
            if id(node) in self._opaque:
                self._opaque.add(id(child))

    def _plan_multipart(self, node: Node) -> None:
        if id(node) not in self._needy:
            self._relabel(node)
            return
        if node.subtype in _SEALED or id(node) in self._sealed:
            raise CannotConvert
        if node.encoding not in _IDENTITY:
            raise NoConversion
        for start, end in _between(node):
            if self._needs(start, end, raw=False):  # which nobody reads (RFC 2046 §5.1.1)
                self._edits.append(_Edit(start, end, how="question"))
        self._relabel(node)

    def _plan_message(self, node: Node) -> None:
        if id(node) not in self._needy:
            self._relabel(node)
            return
        if id(node) in self._sealed:
            raise CannotConvert
        if node.subtype in _ENCODABLE_MESSAGES:
            self._opaque.update(id(child) for child in node.children)
            self._encode(node, "base64")
            return
        self._relabel(node)

    def _plan_leaf(self, node: Node) -> None:
        if id(node) not in self._needy:
            if node.encoding in (b"8bit", b"binary"):
                self._relabel(node)
            return
        if id(node) in self._sealed:
            raise CannotConvert
        if node.encoding == b"quoted-printable":
            self._edit_body(node, "escape")
        elif node.encoding == b"base64":
            self._edit_body(node, "question")
        elif node.encoding not in _IDENTITY or node.type == b"multipart":
            raise NoConversion
        elif node.type == b"message" and node.subtype not in _ENCODABLE_MESSAGES:
            raise NoConversion  # RFC 2046 §5.2: a message is not encoded
        else:
            self._encode(node, self._better_encoding(node))

    # How parts change

    def _is_needy(self, node: Node) -> bool:
        """Whether something in it must change; children were asked before, so it is linear."""
        if not node.children:
            # Lines of text get their ends when they are sent; in binary they are content.
            raw = node.encoding == b"binary"
            return self._needs(node.body_start, node.body_end, raw=raw)
        if any(id(child) in self._needy for child in node.children):
            return True
        return node.type == b"multipart" and any(
            self._needs(start, end, raw=False) for start, end in _between(node)
        )

    def _needs(self, start: int, end: int, *, raw: bool) -> bool:
        seven_bit = self._target == "7BIT"
        return any(
            quoting.needs_encoding(piece, seven_bit=seven_bit, max_line=MAX_LINE, raw=raw)
            for piece in quoting.whole_lines(self._octets, start, end, STEP)
        )

    def _better_encoding(self, node: Node) -> How:
        """Quoted-printable where most of it stays readable; base64 for all that is no text."""
        if node.type != b"text" and node.type != b"message":
            return "base64"
        high = bare = 0
        for at in range(node.body_start, node.body_end, STEP):
            piece = self._octets[at : min(at + STEP, node.body_end)]
            high += len(piece) - len(piece.translate(None, _HIGH))
            bare += piece.count(b"\0")
        size = node.body_end - node.body_start
        return "quoted-printable" if 4 * high <= size and not bare else "base64"

    def _encode(self, node: Node, how: How) -> None:
        self._label(node, how.encode())
        self._edit_body(node, how)

    def _edit_body(self, node: Node, how: How) -> None:
        raw = node.encoding == b"binary"
        self._edits.append(_Edit(node.body_start, node.body_end, how=how, raw=raw))

    def _relabel(self, node: Node) -> None:
        """8bit and binary become what is left of them; a multipart is never encoded itself."""
        allowed = b"7bit" if self._target == "7BIT" else b"8bit"
        if node.encoding == b"binary" or (node.encoding == b"8bit" and allowed == b"7bit"):
            if id(node) in self._sealed:
                return  # its header is under the seal; what it says is only too careful
            self._label(node, allowed)

    def _label(self, node: Node, encoding: bytes) -> None:
        """Replace or add Content-Transfer-Encoding; a message gets its MIME-Version, too."""
        header = bytes(self._octets[node.header_start : node.body_start])
        end = b"\r\n" if b"\r\n" in header or b"\n" not in header else b"\n"
        field = b"Content-Transfer-Encoding: " + encoding + end
        found = list(_ENCODING_FIELD.finditer(header))
        for place, match in enumerate(found):
            start = node.header_start + match.start()
            self._edits.append(
                _Edit(start, node.header_start + match.end(), field if place == 0 else b"")
            )
        added = b"" if found else field
        if node.is_message and not _MIME_VERSION.search(header):
            added = b"MIME-Version: 1.0" + end + added
            if not _CONTENT_TYPE.search(header):  # RFC 1428 §3
                added += b"Content-Type: text/plain; charset=unknown-8bit" + end
        if added:
            if not header:
                added += end  # the part began with its body at once
            at = node.body_start - _empty_line(header)
            self._edits.append(_Edit(at, at, added))


def _empty_line(header: bytes) -> int:
    """Octets of the empty line at the header's end; 0 where there is none."""
    if header in (b"\r\n", b"\n"):
        return len(header)
    return 2 if header.endswith(b"\n\r\n") else 1 if header.endswith(b"\n\n") else 0


def _between(node: Node) -> Iterator[tuple[int, int]]:
    """Boundaries with what stands before, between and behind a multipart's parts."""
    at = node.body_start
    for child in node.children:
        yield at, child.header_start
        at = child.body_end
    yield at, node.body_end
