"""The structure scanner: any octets to a tree of MIME parts with offsets (RFC 2045, RFC 2046).

Boundaries are searched top down, so that an outer boundary ends whatever an inner part left open.
Each level looks at its octets once, and there are at most MAX_DEPTH levels: time is linear in the
size. Nothing recurses, and a large message that is mapped from a file is never held whole.
"""

from __future__ import annotations

from pillarbox.message import mime
from pillarbox.message.header import header_end, pick
from pillarbox.message.mime import RawParams
from pillarbox.message.part import Octets

MAX_DEPTH = 100  # levels of multipart and message/rfc822; deeper ones are not opened
MAX_PARTS = 1000  # in one message; the last one keeps what is left
MAX_HEADER = 256 * 1024  # octets of one header that are looked at for fields
MAX_BOUNDARY = 250  # RFC 2046 §5.1.1 allows 70; longer ones do occur
_LONGEST_PADDING = 1000  # white space behind a boundary
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
        self.params: RawParams = []
        self.encoding: bytes = b"7bit"
        self.newlines: int = 0  # in the body
        self.children: list[Node] = []

    def first(self, name: bytes) -> bytes | None:
        """The first value of a field."""
        values = self.fields.get(name)
        return values[0] if values is not None else None


def scan(octets: Octets) -> list[Node]:
    """All parts, the root first and parents before their children. Never raises."""
    size = len(octets)
    root = _open_message(octets, 0, size, 0)
    nodes = [root]
    at = 0
    while at < len(nodes):
        node = nodes[at]
        at += 1
        if node.type == b"multipart":
            _split(octets, node, nodes)
        elif node.type == b"message" and _is_open_message(node):
            child = _open_message(octets, node.body_start, node.body_end, node.depth + 1)
            node.children.append(child)
            nodes.append(child)
    for node in reversed(nodes):
        _count_newlines(octets, node)
    return nodes


def _is_open_message(node: Node) -> bool:
    return (
        (node.subtype == b"rfc822" or node.subtype == b"global")
        and node.encoding in _IDENTITY
        and node.depth < MAX_DEPTH
    )


def _open_message(octets: Octets, start: int, end: int, depth: int) -> Node:
    body_start = header_end(octets, start, end)
    node = Node(start, body_start, end, depth)
    node.is_message = True
    header = octets[start : min(body_start, start + MAX_HEADER)]
    node.fields = pick(header, _MESSAGE_FIELDS)
    _read_type(node)
    return node


def _open_part(octets: Octets, start: int, end: int, depth: int, in_digest: bool) -> Node:
    body_start = header_end(octets, start, end)
    node = Node(start, body_start, end, depth)
    if in_digest:  # RFC 2046 §5.1.5
        node.type = b"message"
        node.subtype = b"rfc822"
    if body_start > start:
        header = octets[start : min(body_start, start + MAX_HEADER)]
        node.fields = pick(header, _MIME_FIELDS)
        _read_type(node)
    return node


def _read_type(node: Node) -> None:
    raw = node.first(b"content-type")
    if raw is not None:
        parsed = mime.parse_content_type(raw)
        if parsed is not None:
            node.type, node.subtype, node.params = parsed
    raw = node.first(b"content-transfer-encoding")
    if raw is not None:
        node.encoding = mime.token(raw) or b"7bit"


def _split(octets: Octets, node: Node, nodes: list[Node]) -> None:
    """Add a multipart's children. There is always one: without boundary it is the whole body."""
    boundary = mime.find_param(node.params, b"boundary")
    starts: list[int] = []
    ends: list[int] = []
    if (
        boundary is not None
        and 0 < len(boundary) <= MAX_BOUNDARY
        and node.depth < MAX_DEPTH
        and len(nodes) < MAX_PARTS
    ):
        _find_boundaries(octets, node, b"--" + boundary, MAX_PARTS - len(nodes), starts, ends)
    if not starts:
        node.children.append(Node(node.body_start, node.body_start, node.body_end, node.depth + 1))
    in_digest = node.subtype == b"digest"
    for start, end in zip(starts, ends, strict=True):
        node.children.append(_open_part(octets, start, end, node.depth + 1, in_digest))
    nodes += node.children


def _find_boundaries(
    octets: Octets, node: Node, delimiter: bytes, most: int, starts: list[int], ends: list[int]
) -> None:
    """Fill in where the parts of a multipart's body start and end (RFC 2046 §5.1.1)."""
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
