"""Messages that Pillarbox itself writes: the welcome, reports, answers (RFC 5322, RFC 2045)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from pillarbox.message.compose import fold_field, format_address, format_param
from pillarbox.message.date import format_date

_LONGEST_LINE = 998  # RFC 5322 §2.1.1
_BASE64_LINE = 57  # octets that make a line of 76 characters


class Address(msgspec.Struct, frozen=True):
    """Whom a message is from or to."""

    addr_spec: str  # local@domain; not ASCII where the address is internationalised
    name: str = ""


class Entity(msgspec.Struct, frozen=True):
    """Content with its MIME fields, to stand alone in a message or in a multipart."""

    fields: tuple[tuple[str, str], ...]
    body: bytes


def text_entity(text: str, subtype: str = "plain") -> Entity:
    """Text in UTF-8 with CRLF line ends, in the mildest encoding that holds it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    octets = "\r\n".join(lines).encode("utf-8", "replace")
    if not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    plain = octets.isascii() and b"\0" not in octets and max(map(len, lines)) <= _LONGEST_LINE
    charset = "us-ascii" if octets.isascii() else "utf-8"
    content_type = f"text/{subtype}" + format_param("charset", charset)
    if plain:
        return Entity(
            (("Content-Type", content_type), ("Content-Transfer-Encoding", "7bit")), octets
        )
    encoded = binascii.b2a_qp(octets.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")
    if len(encoded) > 2 * len(octets):
        return octets_entity(octets, content_type)
    encoding = ("Content-Transfer-Encoding", "quoted-printable")
    return Entity((("Content-Type", content_type), encoding), encoded)


def octets_entity(content: bytes, content_type: str, *, filename: str = "") -> Entity:
    """Any octets as base64; with a file name they are an attachment (RFC 2183)."""
    lines = [
        base64.b64encode(content[at : at + _BASE64_LINE])
        for at in range(0, len(content), _BASE64_LINE)
    ]
    fields = [("Content-Type", content_type), ("Content-Transfer-Encoding", "base64")]
    if filename:
        fields.append(("Content-Disposition", "attachment" + format_param("filename", filename)))
    return Entity(tuple(fields), b"\r\n".join(lines) + b"\r\n")


def raw_entity(content: bytes, content_type: str) -> Entity:
    """Octets as they are, for message/rfc822, message/delivery-status and the like."""
    fields = [("Content-Type", content_type)]
    if not content.isascii():
        fields.append(("Content-Transfer-Encoding", "8bit"))
    return Entity(tuple(fields), content)


def multipart(
    subtype: str, parts: Sequence[Entity], params: Sequence[tuple[str, str]] = ()
) -> Entity:
    """The parts under a boundary that occurs in none of them; the same parts, the same octets."""
    bodies = [_encode_fields(part.fields, utf8=True) + b"\r\n" + part.body for part in parts]
    boundary = _boundary(bodies)
    content_type = f"multipart/{subtype}"
    for name, value in (*params, ("boundary", boundary)):
        content_type += format_param(name, value)
    delimiter = b"--" + boundary.encode()
    pieces = [delimiter + b"\r\n" + body + b"\r\n" for body in bodies]
    fields = [("Content-Type", content_type)]
    if not all(body.isascii() for body in bodies):
        fields.append(("Content-Transfer-Encoding", "8bit"))
    return Entity(tuple(fields), b"".join(pieces) + delimiter + b"--\r\n")


def _boundary(bodies: list[bytes]) -> str:
    hashed = hashlib.sha256()
    for body in bodies:
        hashed.update(body)
    while True:
        boundary = "=_" + hashed.hexdigest()[:32]
        if not any(boundary.encode() in body for body in bodies):
            return boundary
        hashed.update(b"again")


def assemble(fields: Sequence[tuple[str, str]], content: Entity, *, utf8: bool = False) -> bytes:
    """A whole message: its fields in order, MIME-Version, the content's fields, the body.

    With `utf8` the header is as RFC 6532 has it; else other than ASCII becomes encoded words.
    """
    header = (*fields, ("MIME-Version", "1.0"), *content.fields)
    return _encode_fields(header, utf8=utf8) + b"\r\n" + content.body


def build(
    *,
    sender: Address,
    recipients: Sequence[Address],
    subject: str,
    content: Entity | str,
    date: datetime,
    message_id: str,
    fields: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A message to people. It has an RFC 6532 header only when an address needs one.

    `message_id` is written without angle brackets; `fields` stand behind the usual ones.
    """
    utf8 = not all(address.addr_spec.isascii() for address in (sender, *recipients))
    to = ", ".join(format_address(one.name, one.addr_spec, utf8=utf8) for one in recipients)
    header = (
        ("Date", format_date(date)),
        ("From", format_address(sender.name, sender.addr_spec, utf8=utf8)),
        ("To", to or "undisclosed-recipients:;"),
        ("Subject", subject),
        ("Message-ID", f"<{message_id}>"),
        *fields,
    )
    entity = text_entity(content) if isinstance(content, str) else content
    return assemble(header, entity, utf8=utf8)


def _encode_fields(fields: Sequence[tuple[str, str]], *, utf8: bool) -> bytes:
    return b"".join([fold_field(name, value, utf8=utf8) for name, value in fields])
