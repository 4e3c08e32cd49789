"""What a new letter begins with: an answer's recipients, subject and quotation. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from pillarbox.message import html_text

Email = dict[str, Any]
Address = dict[str, Any]
Translate = Callable[..., str]
_MOST_REFERENCES = 50  # message ids; the first and the last count


@dataclass(slots=True)
class Letter:
    """As it stands in the form."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    in_reply_to: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    kept: list[Email] = field(default_factory=list)  # attachments of another message


def answer_to(email: Email, own: Collection[str], t: Translate, *, is_to_all: bool) -> Letter:
    """`own`: addresses of the person, who gets no copy. RFC 5322 §3.6.4 has the references."""
    authors = email["replyTo"] or email["from"] or []
    if is_own(email["from"] or [], own):  # an answer to one's own letter goes on to the others
        authors = email["to"] or []
    others: list[Address] = []
    if is_to_all:
        taken = {one["email"].casefold() for one in authors} | set(own)
        for one in [*(email["to"] or []), *(email["cc"] or [])]:
            if one["email"].casefold() not in taken:
                taken.add(one["email"].casefold())
                others.append(one)
    known = email["references"] or email["inReplyTo"] or []
    message_ids = email["messageId"] or []
    return Letter(
        to=shown(authors),
        cc=shown(others),
        subject=prefixed("Re:", email["subject"] or ""),
        text=quoted(email, t),
        in_reply_to=message_ids,
        references=[*known, *message_ids][-_MOST_REFERENCES:],
    )


def passed_on(email: Email, t: Translate) -> Letter:
    """To somebody else, with the attachments."""
    fields = [
        (t("from"), shown(email["from"] or [])),
        (t("to"), shown(email["to"] or [])),
        (t("subject"), email["subject"] or ""),
        (t("date"), email["sentAt"] or email["receivedAt"]),
    ]
    head = "\n".join(f"{name}: {value}" for name, value in fields)
    return Letter(
        subject=prefixed("Fwd:", email["subject"] or ""),
        text=f"\n\n-------- {t('forwarded')} --------\n{head}\n\n{plain_text(email)}",
        kept=email["attachments"],
    )


def gone_on_with(email: Email) -> Letter:
    """A draft, as it was left."""
    return Letter(
        to=shown(email["to"] or []),
        cc=shown(email["cc"] or []),
        bcc=shown(email["bcc"] or []),
        subject=email["subject"] or "",
        text=plain_text(email),
        in_reply_to=email["inReplyTo"] or [],
        references=email["references"] or [],
        kept=email["attachments"],
    )


def is_own(addresses: list[Address], own: Collection[str]) -> bool:
    """Whether the person wrote it."""
    return any(one["email"].casefold() in own for one in addresses)


def quoted(email: Email, t: Translate) -> str:
    """The text of another, each line marked (RFC 3676 §4.5)."""
    who = shown((email["from"] or [])[:1]) or "?"
    lines = plain_text(email).rstrip().split("\n")
    marked = "\n".join(f">{line}" if line.startswith(">") else f"> {line}" for line in lines)
    return f"\n\n{t('wrote', who=who)}\n{marked}\n"


def plain_text(email: Email) -> str:
    """The text of a message, or the words of its HTML."""
    pieces = []
    for part in email["textBody"]:
        value = email["bodyValues"].get(part["partId"] or "")
        if value is not None:
            is_html = part["type"] == "text/html"
            pieces.append(html_text.to_text(value["value"]).strip() if is_html else value["value"])
    return "\n".join(pieces).replace("\r\n", "\n")


def prefixed(prefix: str, subject: str) -> str:
    """Once, however often a letter goes to and fro."""
    return subject if subject.lower().startswith(prefix.lower()) else f"{prefix} {subject}".strip()


def shown(addresses: list[Address]) -> str:
    """As people write them."""
    return ", ".join(_one(one) for one in addresses)


def _one(address: Address) -> str:
    name = address["name"]
    if not name:
        return str(address["email"])
    if any(mark in name for mark in ',;:<>@()[]"\\.'):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{name} <{address['email']}>"
