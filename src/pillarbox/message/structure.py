"""The structure scanner: any octets to a tree of MIME parts with offsets (RFC 2045, RFC 2046).

Boundaries are searched top down, so that an outer boundary ends whatever an inner part left open.
Each level looks at its octets once, and the octets looked at are limited to a multiple of the
size: time is linear. Nothing recurses, and a large message that is mapped from a file is never held
whole. What a limit leaves unopened is one part: an attached text, or a message without structure.
"""

from __future__ import annotations

from pillarbox.config.message import MessageSettings
from pillarbox.message import mime
from pillarbox.message.header import header_end, pick
from pillarbox.message.mime import RawParams
from pillarbox.message.part import Octets

DEFAULT_LIMITS = MessageSettings()
_LONGEST_PADDING = 1000  # white space behind a boundary; no limit: a line cannot be longer (998)
_STEP = 64 * 1024  # octets of a mapped file held at a time

_MIME_FIELDS = frozenset(
    b"content-" + name
    for name in (
        b"type",
        b"transfer-encoding",
        b"id",
        b"description",
        b"md5",
        b"disposition",
        b"language",
        b"location",
    )
)
_MESSAGE_FIELDS = _MIME_FIELDS | frozenset(
    (
        b"date",
        b"subject",
        b"from",
        b"sender",
        b"reply-to",
        b"to",
        b"cc",
        b"bcc",
        b"in-reply-to",
        b"message-id",
        b"references",
    )
)
_IDENTITY = frozenset((b"", b"7bit", b"8bit", b"binary"))


class Node:
    """A part while the tree grows: raw values, from which all encodings are made."""

    __slots__ = (
        "body_end",
        "body_start",
        "children",
        "depth",
        "encoding",
        "envelope",
        "fields",
        "header_start",
        "is_message",
        "newlines",
        "params",
        "subtype",
        "type",
    )

    def __init__(self, header_start: int, body_start: int, body_end: int, depth: int) -> None:
        self.header_start: int = header_start
        self.body_start: int = body_start
        self.body_end: int = body_end
        self.depth: int = depth
        self.is_message: bool = False  # the root of a message, not a part of a multipart
        self.envelope: bytes = b""  # of a nested message, once encoded
        self.fields: dict[bytes, list[bytes]] = {}
        self.type: bytes = b"text"
        self.subtype: bytes = b"plain"
        self.params: RawParams = ()
        self.encoding: bytes = b"7bit"
        self.newlines: int = 0  # in the body
        self.children: list[Node] = []

    def first(self, name: bytes) -> bytes | None:
        """The first value of a field."""
        values = self.fields.get(name)
        return values[0] if values is not None else None


def scan(octets: Octets, limits: MessageSettings = DEFAULT_LIMITS) -> list[Node]:
    """All parts, the root first and parents before their children. Never raises."""
    return _Scanner(octets, limits).scan()


class _Scanner:
    """One scan: the octets, the parts found, and how many header octets may still be read."""

    __slots__ = (
        "header_octets_left",
        "limits",
        "max_depth",
        "max_parts",
        "near_misses_left",
        "nodes",
        "octets",
        "search_left",
    )

    def __init__(self, octets: Octets, limits: MessageSettings) -> None:
        self.octets: Octets = octets
        self.limits: MessageSettings = limits
        self.nodes: list[Node] = []
        self.max_depth: int = limits.max_depth
        self.max_parts: int = limits.max_parts
        self.header_octets_left: int = limits.max_headers_octets
        self.near_misses_left: int = limits.max_near_boundaries
        self.search_left: int = limits.search_factor * len(octets) + limits.search_octets

    def scan(self) -> list[Node]:
        nodes = self.nodes
        nodes.append(self._open_message(0, len(self.octets), 0))
        at = 0
        while at < len(nodes):
            node = nodes[at]
            at += 1
            if node.type == b"multipart":
                self._split(node)
            elif _holds_message(node) and self._may_open(node):
                child = self._open_message(node.body_start, node.body_end, node.depth + 1)
                node.children.append(child)
                nodes.append(child)
        for node in reversed(nodes):
            _count_newlines(self.octets, node)
        return nodes

    def _may_open(self, node: Node) -> bool:
        """Is there room for one more level? If so, its octets count as searched."""
        if (
            node.depth >= self.max_depth
            or len(self.nodes) >= self.max_parts
            or self.search_left <= 0
        ):
            return False
        self.search_left -= node.body_end - node.body_start
        return True

    def _open_message(self, start: int, end: int, depth: int) -> Node:
        body_start = header_end(self.octets, start, end)
        node = Node(start, body_start, end, depth)
        node.is_message = True
        node.fields = pick(self._header(start, body_start), _MESSAGE_FIELDS)
        _read_type(node)
        return node

    def _open_part(self, start: int, end: int, depth: int, in_digest: bool) -> Node:
        body_start = header_end(self.octets, start, end)
        node = Node(start, body_start, end, depth)
        if in_digest:  # RFC 2046 §5.1.5
            node.type = b"message"
            node.subtype = b"rfc822"
        if body_start > start:
            node.fields = pick(self._header(start, body_start), _MIME_FIELDS)
            _read_type(node)
        return node

    def _header(self, start: int, end: int) -> bytes:
        """As much of a header as may be read: addresses and such cost more than the scan."""
        limits = self.limits
        if self.header_octets_left > 0:
            most = limits.max_part_header_octets
        else:
            most = limits.short_header_octets
        end = min(end, start + most)
        self.header_octets_left -= end - start
        # Neither IMAP strings nor every database's texts can hold NUL.
        return self.octets[start:end].replace(b"\0", b"?")

    def _split(self, node: Node) -> None:
        """Add a multipart's children. There is always one: without boundary, the whole body."""
        boundary = (mime.find_param(node.params, b"boundary") or b"").rstrip()
        starts: list[int] = []
        ends: list[int] = []
        depth = node.depth + 1
        if 0 < len(boundary) <= self.limits.max_boundary_octets and self._may_open(node):
            self._find_boundaries(node, b"--" + boundary, starts, ends)
        if not starts:
            node.children.append(Node(node.body_start, node.body_start, node.body_end, depth))
        in_digest = node.subtype == b"digest"
        for start, end in zip(starts, ends, strict=True):
            node.children.append(self._open_part(start, end, depth, in_digest))
        self.nodes += node.children

    def _find_boundaries(
        self, node: Node, delimiter: bytes, starts: list[int], ends: list[int]
    ) -> None:
        """Fill in where the parts of a multipart's body start and end (RFC 2046 §5.1.1)."""
        octets = self.octets
        most = self.max_parts - len(self.nodes)
        stop = node.body_end
        line = b"\n" + delimiter
        width = len(line)
        at = node.body_start
        # The first boundary may stand at the very start, without a line end that is ours.
        found = at - 1 if octets[at : at + width - 1] == delimiter else octets.find(line, at, stop)
        while found >= 0 and found + width <= stop:
            behind = found + width
            line_end = octets.find(b"\n", behind, stop)
            padding_end = stop if line_end < 0 else line_end
            padding = octets[behind : min(padding_end, behind + _LONGEST_PADDING)]
            is_last = padding[:2] == b"--"
            if is_last:
                padding = padding[2:]
            if padding.strip():  # only a prefix of this line is our boundary
                self.near_misses_left -= 1
                if self.near_misses_left < 0:
                    break
                found = octets.find(line, behind, stop)
                continue
            if len(starts) == most and not is_last:
                break
            if starts:
                end = found
                if end > starts[-1] and octets[end - 1 : end] == b"\r":
                    end -= 1
                ends.append(max(end, starts[-1]))
            if is_last:
                break
            if line_end < 0:
                starts.append(stop)
                break
            starts.append(line_end + 1)
            found = octets.find(line, line_end, stop)
        if len(starts) > len(ends):  # no last boundary
            ends.append(stop)


def _holds_message(node: Node) -> bool:
    return (
        node.type == b"message"
        and (node.subtype == b"rfc822" or node.subtype == b"global")
        and node.encoding in _IDENTITY
    )


def _read_type(node: Node) -> None:
    raw = node.first(b"content-type")
    if raw is not None:
        parsed = mime.parse_content_type(raw)
        if parsed is not None:
            node.type, node.subtype, node.params = parsed
    raw = node.first(b"content-transfer-encoding")
    if raw is not None:
        node.encoding = mime.token(raw) or b"7bit"


def _count_newlines(octets: Octets, node: Node) -> None:
    """Line ends of the body, each octet counted once: children have their counts already."""
    at = node.body_start
    total = 0
    for child in node.children:
        total += count_newlines(octets, at, child.body_start) + child.newlines
        at = child.body_end
    node.newlines = total + count_newlines(octets, at, node.body_end)


def count_newlines(octets: Octets, start: int, end: int) -> int:
    """How many LF stand in `[start, end)`."""
    if isinstance(octets, bytes):
        return octets.count(b"\n", start, end)
    total = 0
    for at in range(start, end, _STEP):
        total += octets[at : min(at + _STEP, end)].count(b"\n")
    return total


def body_lines(octets: Octets, node: Node) -> int:
    """Lines of the body; an unfinished last one counts."""
    end = node.body_end
    if end > node.body_start and octets[end - 1 : end] != b"\n":
        return node.newlines + 1
    return node.newlines
