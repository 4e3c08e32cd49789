"""All that the store keeps about a message, found in one go (`message.part.Digest`)."""

from __future__ import annotations

from pillarbox.config.message import MessageSettings
from pillarbox.message import bodystructure, encoded_word, envelope, mime, thread
from pillarbox.message.address import Group
from pillarbox.message.casefold import fold
from pillarbox.message.date import parse_date
from pillarbox.message.envelope import Addresses, Fields, addresses_of
from pillarbox.message.part import Digest, Octets, Params, Part, SortKeys
from pillarbox.message.preview import preview
from pillarbox.message.structure import DEFAULT_LIMITS, Node, body_lines, scan
from pillarbox.message.text import param

_LONGEST_KEY = 255  # characters of a sort key


def digest(octets: Octets, limits: MessageSettings = DEFAULT_LIMITS) -> Digest:
    """The digest of any octets whatever. Never raises; time is linear in the size."""
    nodes = scan(octets, limits)
    root = nodes[0]
    fields = root.fields
    from_ = addresses_of(fields, b"from")
    to = addresses_of(fields, b"to")
    cc = addresses_of(fields, b"cc")
    bcc = addresses_of(fields, b"bcc")
    root_envelope = envelope.encode_with(fields, from_, to, cc, bcc)
    for node in nodes:
        if node.is_message and node is not root:
            node.envelope = envelope.encode(node.fields)
    body, structure = bodystructure.encode(octets, nodes)
    root_part = _parts(octets, nodes)
    charset = param(root_part, "charset")  # what raw 8-bit fields are likely to be in
    subject = _text(fields, b"subject", charset)
    written = root.first(b"date")
    date = parse_date(written) if written is not None else None
    references = thread.message_ids(b" ".join(fields.get(b"references", ())))
    if not references:
        # Only the first: mail addresses stand behind it in old mail (RFC 5256 §3).
        references = thread.message_ids(b" ".join(fields.get(b"in-reply-to", ())))[:1]
    return Digest(
        size=len(octets),
        root=root_part,
        envelope=root_envelope,
        body=body,
        bodystructure=structure,
        preview=preview(octets, root_part),
        subject=subject,
        from_=_text(fields, b"from", charset),
        to=_text(fields, b"to", charset),
        cc=_text(fields, b"cc", charset),
        bcc=_text(fields, b"bcc", charset),
        sort=_sort_keys(subject, from_, to, cc),
        sent_at=date.at if date is not None else None,
        sent_on=date.day if date is not None else None,
        message_id=thread.message_id(root.first(b"message-id") or b""),
        references=references,
        has_attachment=_has_attachment(nodes),
    )


def _text(fields: Fields, name: bytes, charset: str | None) -> str:
    values = fields.get(name)
    if values is None:
        return ""
    return encoded_word.decode(values[0] if len(values) == 1 else b", ".join(values), charset)


def _sort_keys(subject: str, from_: Addresses, to: Addresses, cc: Addresses) -> SortKeys:
    base, is_reply = thread.base_subject(subject)
    from_mailbox, display_from = _first_address(from_)
    to_mailbox, display_to = _first_address(to)
    return SortKeys(
        base_subject=fold(base)[:_LONGEST_KEY],
        is_reply=is_reply,
        from_mailbox=from_mailbox,
        to_mailbox=to_mailbox,
        cc_mailbox=_first_address(cc)[0],
        display_from=display_from,
        display_to=display_to,
    )


def _first_address(addresses: Addresses) -> tuple[str, str]:
    """Folded local part (RFC 5256 §3) and display name or address (RFC 5957 §3) of the first.

    A group begins with its name, which stands in ENVELOPE where a local part does.
    """
    if not addresses:
        return "", ""
    first = addresses[0]
    if isinstance(first, Group):
        name = fold(first.display_name)[:_LONGEST_KEY]
        return name, name
    local = fold(first.local.decode("utf-8", "replace"))[:_LONGEST_KEY]
    return local, fold(first.display_name or first.addr_spec)[:_LONGEST_KEY]


def _parts(octets: Octets, nodes: list[Node]) -> Part:
    """The frozen tree; children come behind their parents, so it is built from the end."""
    built: dict[int, Part] = {}
    part = None
    for node in reversed(nodes):
        part = _part(octets, node, tuple([built.pop(id(child)) for child in node.children]))
        built[id(node)] = part
    assert part is not None
    return part


def _part(octets: Octets, node: Node, children: tuple[Part, ...]) -> Part:
    fields = node.fields
    disposition: str | None = None
    disposition_params: Params = ()
    if b"content-disposition" in fields:
        parsed = mime.parse_disposition(fields[b"content-disposition"][0])
        if parsed is not None:
            disposition = parsed[0].decode("ascii", "replace")
            disposition_params = mime.decode_params(parsed[1])
    return Part(
        header_start=node.header_start,
        body_start=node.body_start,
        body_end=node.body_end,
        body_lines=body_lines(octets, node),
        type=node.type.decode("ascii", "replace"),
        subtype=node.subtype.decode("ascii", "replace"),
        params=mime.decode_params(node.params) if node.params else (),
        content_id=_optional(fields, b"content-id"),
        description=_optional(fields, b"content-description"),
        encoding=node.encoding.decode("ascii", "replace"),
        md5=_optional(fields, b"content-md5"),
        disposition=disposition,
        disposition_params=disposition_params,
        language=_languages(node) if b"content-language" in fields else (),
        location=_optional(fields, b"content-location"),
        children=children,
        envelope=node.envelope,
    )


def _languages(node: Node) -> tuple[str, ...]:
    return tuple([tag.decode("ascii") for tag in bodystructure.languages(node)])


def _optional(fields: Fields, name: bytes) -> str | None:
    values = fields.get(name)
    return None if values is None else encoded_word.decode(values[0])


def _has_attachment(nodes: list[Node]) -> bool:
    """Is there a part that a mail program lists as a file (RFC 8621 §4.1.4)?"""
    for node in nodes:
        if node.type == b"multipart":
            continue
        raw = node.first(b"content-disposition")
        if raw is not None and mime.token(raw) == b"attachment":
            return True
        if node.type == b"text":
            continue
        if node.subtype.endswith(b"-signature") or b"content-id" in node.fields:
            continue
        return True
    return False
