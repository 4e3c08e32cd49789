"""What one scan of a message finds: the part tree and the digest that the store keeps."""

from __future__ import annotations

import mmap

import msgspec

Octets = bytes | mmap.mmap  # a message, whole in memory or mapped from a file when it is large

Params = tuple[tuple[str, str], ...]  # names in lower case, values decoded (RFC 2231)


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One MIME part. Offsets count octets from the start of the scanned message.

    A `message/rfc822` (or `message/global`) part has exactly one child, the nested message's root,
    when it was within the nesting limit. Values are as in RFC 2045, lower case where the RFC says
    that case does not count (type, subtype, encoding, disposition).
    """

    header_start: int
    body_start: int
    body_end: int  # the line end before a boundary belongs to the boundary
    body_lines: int  # an unfinished last line counts
    type: str = "text"
    subtype: str = "plain"
    params: Params = ()
    content_id: str | None = None
    description: str | None = None
    encoding: str = "7bit"
    md5: str | None = None
    disposition: str | None = None
    disposition_params: Params = ()
    language: tuple[str, ...] = ()
    location: str | None = None
    children: tuple[Part, ...] = ()
    envelope: bytes = b""  # of a nested message: its root carries its IMAP ENVELOPE


class SortKeys(msgspec.Struct, frozen=True, array_like=True):
    """Folded keys for SORT and THREAD (RFC 5256 §2, §3; RFC 5957 §3)."""

    base_subject: str
    is_reply: bool  # the base subject differs from the subject by Re:, Fwd: or (fwd)
    from_mailbox: str  # local part of the first address
    to_mailbox: str
    cc_mailbox: str
    display_from: str
    display_to: str


class Digest(msgspec.Struct, frozen=True):
    """All that the store keeps about a message's octets; computed once, at delivery."""

    size: int
    root: Part
    envelope: bytes  # RFC 9051 §7.5.2 ENVELOPE, encoded, parentheses included
    body: bytes  # BODY without extension data, encoded
    bodystructure: bytes  # BODYSTRUCTURE, encoded
    preview: str  # RFC 8970: at most 200 characters, no line breaks
    subject: str  # decoded whole fields, several of a name joined by ", "; "" where absent
    from_: str
    to: str
    cc: str
    bcc: str
    sort: SortKeys
    sent_at: int | None  # Date as an instant, Unix seconds
    sent_on: int | None  # the calendar day as written, time zone disregarded (date.toordinal())
    message_id: bytes  # with its angle brackets removed; b"" where absent
    references: tuple[bytes, ...]  # References, else In-Reply-To, oldest first, at most 100
    has_attachment: bool
