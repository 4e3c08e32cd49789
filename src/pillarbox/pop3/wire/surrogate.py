"""A message for programs that know no UTF-8 headers (RFC 6856 §2.1, RFC 6858). Sans-IO.

Only the header is changed: names and texts become encoded words, an address that cannot be written
in ASCII becomes an empty group that shows it. Bodies stay; 8-bit bodies are MIME's own affair.
"""

from __future__ import annotations

from pillarbox.message import encoded_word
from pillarbox.message.address import Group, Mailbox, parse_address_list
from pillarbox.message.compose import encode_words, fold_field, format_address
from pillarbox.message.header import Field, fields

_ADDRESSES = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-to resent-cc resent-bcc "
    b"disposition-notification-to".split()
)
# Other programs compute with these; an encoded word would mislead them.
_IDENTIFIERS = frozenset(
    b"message-id in-reply-to references content-id received return-path resent-message-id".split()
)


def surrogate_header(raw: bytes) -> bytes:
    """The header in ASCII, its empty line included; ASCII fields stay octet by octet."""
    end = b"\r\n" if raw.endswith((b"\n\r\n", b"\n\n")) else b""
    return b"".join(map(_ascii_field, fields(raw))) + end


def _ascii_field(field: Field) -> bytes:
    if field.raw.isascii():
        return field.raw
    kind = field.name.lower()
    name = field.name.decode("ascii", "replace")
    if kind in _IDENTIFIERS:
        return bytes(octet if octet < 0x80 else 0x3F for octet in field.raw)
    if kind in _ADDRESSES:
        text = ", ".join(_ascii_address(found) for found in parse_address_list(field.value))
    else:
        text = encoded_word.decode(field.value)
    return fold_field(name, text, utf8=False)


def _ascii_address(address: Mailbox | Group) -> str:
    if isinstance(address, Group):
        members = ", ".join(map(_ascii_address, address.members))
        return f"{_phrase(address.display_name)}: {members};"
    spec = address.addr_spec
    if spec.isascii():
        return format_address(address.display_name, spec, utf8=False)
    shown = f"{address.display_name} {spec}".strip()
    return f"{encode_words(shown)} :;"


def _phrase(name: str) -> str:
    return name if name.isascii() and name.replace(" ", "").isalnum() else encode_words(name)
