"""Whether somebody who is away answers a message, and what with (RFC 3834, RFC 5230 §4). Pure.

Never to lists, programs, or a sender that is nobody; only when the message names the person.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.message.builder import Address, Entity, build, multipart, text_entity
from pillarbox.message.encoded_word import decode
from pillarbox.message.header import pick, unfold

if TYPE_CHECKING:
    from pillarbox.store.sql.rules import Vacation

Fields = dict[bytes, list[bytes]]
READ = frozenset(
    (
        b"from",
        b"to",
        b"cc",
        b"bcc",
        b"resent-to",
        b"resent-cc",
        b"resent-bcc",
        b"subject",
        b"message-id",
        b"references",
        b"in-reply-to",
        b"auto-submitted",
        b"precedence",
        b"list-id",
        b"list-post",
        b"list-help",
        b"list-unsubscribe",
        b"list-owner",
        b"list-archive",
        b"list-subscribe",
        b"x-auto-response-suppress",
        b"received",
    )
)
_TO = (b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc")
_BULK = frozenset((b"bulk", b"list", b"junk"))
_PROGRAMS = re.compile(  # local parts whose mail nobody reads (RFC 5230 §4.6, RFC 3834 §2)
    r"(?:mailer-daemon|listserv|majordomo|no-?reply|do-?not-?reply|owner-.*|.*-(?:request|owner|"
    r"bounces?)|bounces?[+-].*|postmaster)",
    re.IGNORECASE,
)
_MOST_REFERENCES = 20  # of those that a reply carries on (RFC 5322 §3.6.4)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_MOST_SUBJECT = 200  # characters of theirs in ours


def fields_of(header: bytes) -> Fields:
    """What the decisions are made of."""
    return pick(header, READ)


def may_answer(fields: Fields, reverse_path: str, own: Collection[str]) -> bool:
    """`own`: the folded addresses of the person who is away."""
    local = reverse_path.rpartition("@")[0]
    if not local or _PROGRAMS.fullmatch(local) or reverse_path.casefold() in own:
        return False
    if any(name.startswith(b"list-") for name in fields):
        return False
    automatic = fields.get(b"auto-submitted", [b"no"])[0].partition(b";")[0].strip().lower()
    if automatic != b"no" or b"x-auto-response-suppress" in fields:
        return False
    if fields.get(b"precedence", [b""])[0].strip().lower() in _BULK:
        return False
    return _names(fields, own)


def _names(fields: Fields, own: Collection[str]) -> bool:
    """Whether one of the person's addresses stands in the header (RFC 5230 §4.5)."""
    for name in _TO:
        for value in fields.get(name, ()):
            for address in mailboxes(parse_address_list(value)):
                if plain_address(address.local, address.domain) in own:
                    return True
    return False


def plain_address(local: bytes, domain: bytes) -> str:
    """Without its "+detail", folded."""
    name = local.decode("utf-8", "replace").partition("+")[0]
    return f"{name}@{domain.decode('utf-8', 'replace')}".casefold()


def compose_answer(
    vacation: Vacation,
    fields: Fields,
    *,
    author: Address,
    to: str,
    at: datetime,
    message_id: str,
) -> bytes:
    """The whole message (RFC 5230 §5)."""
    theirs = decode(unfold(fields.get(b"subject", [b""])[0])).strip()[:_MOST_SUBJECT]
    subject = vacation.subject or (f"Auto: {theirs}" if theirs else "Auto: I am away")
    more = [("Auto-Submitted", "auto-replied")]
    answered = _MESSAGE_ID.findall(unfold_text(fields, b"message-id"))[:1]
    if answered:
        before = unfold_text(fields, b"references") or unfold_text(fields, b"in-reply-to")
        chain = [*_MESSAGE_ID.findall(before)[-_MOST_REFERENCES:], *answered]
        more += [("In-Reply-To", answered[0]), ("References", " ".join(chain))]
    return build(
        sender=author,
        recipients=[Address(to)],
        subject=subject,
        content=_content(vacation),
        date=at,
        message_id=message_id,
        fields=more,
    )


def unfold_text(fields: Fields, name: bytes) -> str:
    """The first field of that name as text, "" where there is none."""
    return unfold(fields.get(name, [b""])[0]).decode("utf-8", "replace")


def _content(vacation: Vacation) -> Entity | str:
    if not vacation.html:
        return vacation.text
    html = text_entity(vacation.html, "html")
    if not vacation.text:
        return html
    return multipart("alternative", [text_entity(vacation.text), html])
