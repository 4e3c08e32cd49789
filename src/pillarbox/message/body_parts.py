"""A body from its parts: transfer encodings chosen, boundaries made, nothing lost (RFC 2046)."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterable

import msgspec

from pillarbox.message.compose import fold_words
from pillarbox.message.downgrade import CannotConvert, downgrade
from pillarbox.message.line_ends import with_line_ends
from pillarbox.message.quoting import encode_base64, needs_encoding

_LONGEST_LINE = 998  # octets without the line end (RFC 5322 §2.1.1)
_SHORT_TEXT = 100  # octets: of so few it is all the same, and quoted-printable can be read
_MESSAGES = frozenset(("message/rfc822", "message/global"))


class Leaf(msgspec.Struct, frozen=True):
    """Content with its fields, but Content-Transfer-Encoding, which is ours to choose."""

    type: str  # in lower case
    fields: bytes  # whole lines
    content: bytes  # text: with CR LF line ends
    is_text: bool  # written here, not brought by somebody: it may be re-encoded as text


class Multipart(msgspec.Struct, frozen=True):
    """Parts under one boundary; `content_type` is the words of that field without a boundary."""

    content_type: tuple[str, ...]
    fields: bytes
    parts: tuple[Node, ...]


Node = Leaf | Multipart


class _Encoded(msgspec.Struct, frozen=True):
    header: bytes
    pieces: list[bytes]  # joined only once: a tree may be deep
    seven_bit: bool
    hashed: bytes


def encode_message(fields: bytes, root: Node) -> bytes:
    """A whole message: `fields` (whole lines), then the root's own, then the body."""
    encoded = _encode(root)
    return b"".join([fields, encoded.header, b"\r\n", *encoded.pieces])


def text_octets(value: str) -> bytes:
    """Text in UTF-8 with CR LF line ends; raises UnicodeEncodeError."""
    return "\r\n".join(value.replace("\r\n", "\n").replace("\r", "\n").split("\n")).encode()


def _encode(node: Node) -> _Encoded:
    if isinstance(node, Leaf):
        return _encode_leaf(node)
    parts = [_encode(part) for part in node.parts]
    hashed = hashlib.sha256(b"".join([part.hashed for part in parts])).digest()
    # It depends on each octet inside, so nobody can write content that holds it.
    boundary = "=_" + hashed.hex()[:32]
    *words, last = node.content_type
    header = fold_words("Content-Type", [*words, last + ";", f'boundary="{boundary}"'])
    seven_bit = all(part.seven_bit for part in parts)
    if not seven_bit:
        header += b"Content-Transfer-Encoding: 8bit\r\n"
    delimiter = b"--" + boundary.encode()
    pieces: list[bytes] = []
    for part in parts:
        pieces += (delimiter + b"\r\n" + part.header + b"\r\n", *part.pieces, b"\r\n")
    pieces.append(delimiter + b"--\r\n")
    return _Encoded(header + node.fields, pieces, seven_bit, hashed)


def _encode_leaf(leaf: Leaf) -> _Encoded:
    if leaf.is_text:
        encoding, pieces = _encode_text(leaf.content)
    elif leaf.type in _MESSAGES:  # RFC 2046 §5.2.1: no other encodings
        pieces = [_mend(leaf.content)]
        encoding = "7bit" if pieces[0].isascii() else "8bit"
    elif leaf.type.startswith("message/") and _is_plain(leaf.content):
        encoding, pieces = "7bit", [leaf.content]
    else:
        encoding, pieces = "base64", list(encode_base64((leaf.content,)))
    header = leaf.fields + b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n"
    hashed = hashlib.sha256(header)
    hashed.update(leaf.content)
    return _Encoded(header, pieces, encoding != "8bit", hashed.digest())


def _encode_text(content: bytes) -> tuple[str, list[bytes]]:
    if _is_plain(content):
        return "7bit", [content]
    quoted = binascii.b2a_qp(content.replace(b"\r\n", b"\n"), istext=True)
    if len(quoted) > 2 * len(content) + _SHORT_TEXT:  # most of it would be unreadable
        return "base64", list(encode_base64((content,)))
    return "quoted-printable", [quoted.replace(b"\n", b"\r\n")]


def _is_plain(content: bytes) -> bool:
    return not needs_encoding(content, seven_bit=True, max_line=_LONGEST_LINE, raw=True)


def _mend(message: bytes) -> bytes:
    """An enclosed message with CR LF line ends, its own parts encoded where lines are too long."""
    pieces: Iterable[bytes]
    try:
        pieces = downgrade(message, "8BITMIME").pieces()
    except CannotConvert:  # under a signature: better a long line than a broken seal
        pieces = (message,)
    return b"".join(with_line_ends(pieces))
