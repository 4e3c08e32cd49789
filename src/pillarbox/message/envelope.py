"""ENVELOPE as IMAP sends it (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

Encoded words stay as they are, for the client decodes them; raw 8-bit octets become literals. An
address without domain gets an empty host, since NIL there would begin or end a group.
"""

from __future__ import annotations

from pillarbox.message.address import Group, Mailbox, parse_address_list
from pillarbox.message.imap_string import encode_nstring, encode_string

Fields = dict[bytes, list[bytes]]
Addresses = list[Mailbox | Group]

EMPTY = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

_GROUP_END = b"(NIL NIL NIL NIL)"


def addresses_of(fields: Fields, name: bytes) -> Addresses:
    """The addresses of all fields of a name."""
    values = fields.get(name)
    if values is None:
        return []
    return parse_address_list(values[0] if len(values) == 1 else b", ".join(values))


def encode(fields: Fields) -> bytes:
    """The envelope of a message from its unfolded fields."""
    if not fields:
        return EMPTY
    return encode_with(
        fields,
        addresses_of(fields, b"from"),
        addresses_of(fields, b"to"),
        addresses_of(fields, b"cc"),
        addresses_of(fields, b"bcc"),
    )


def encode_with(
    fields: Fields, from_: Addresses, to: Addresses, cc: Addresses, bcc: Addresses
) -> bytes:
    """The same where the address lists are parsed already."""
    sender = encode_addresses(from_)
    reply_to = sender
    if b"sender" in fields:
        found = addresses_of(fields, b"sender")
        sender = encode_addresses(found) if found else sender
    if b"reply-to" in fields:
        found = addresses_of(fields, b"reply-to")
        reply_to = encode_addresses(found) if found else reply_to
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _first(fields, b"date"),
        _first(fields, b"subject"),
        encode_addresses(from_),
        sender,
        reply_to,
        encode_addresses(to),
        encode_addresses(cc),
        encode_addresses(bcc),
        _first(fields, b"in-reply-to"),
        _first(fields, b"message-id"),
    )


def _first(fields: Fields, name: bytes) -> bytes:
    values = fields.get(name)
    return b"NIL" if values is None else encode_string(values[0])


def encode_addresses(addresses: Addresses) -> bytes:
    """A parenthesised list, or NIL for none."""
    if not addresses:
        return b"NIL"
    pieces: list[bytes] = []
    for address in addresses:
        if isinstance(address, Mailbox):
            pieces.append(_encode_mailbox(address))
        else:
            pieces.append(b"(NIL NIL %b NIL)" % encode_string(address.name))
            pieces += [_encode_mailbox(member) for member in address.members]
            pieces.append(_GROUP_END)
    return b"(" + b"".join(pieces) + b")"


def _encode_mailbox(mailbox: Mailbox) -> bytes:
    return b"(%b %b %b %b)" % (
        encode_nstring(mailbox.name or None),
        encode_nstring(mailbox.route or None),
        encode_string(mailbox.local),
        encode_string(mailbox.domain),
    )
