"""What an update asks of an Email: keywords and mailboxes change, all else stays.

RFC 8621 §4.6, RFC 8620 §5.3.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.jmap.email.given import (
    Keywords,
    fold_keywords,
    parse_keywords,
    parse_mailbox_ids,
)
from pillarbox.jmap.errors import RecordRefused, invalid_properties
from pillarbox.jmap.standard import check_patch

# What a client may send back as it got it.
SERVER_SET = frozenset(("id", "blobId", "threadId", "size", "receivedAt"))


class EmailPatch(msgspec.Struct, frozen=True):
    """Whole values, or what is added and taken away."""

    keywords: Keywords | None = None  # in place of all
    more_keywords: Keywords = Keywords(0, ())
    fewer_keywords: Keywords = Keywords(0, ())
    mailboxes: tuple[str, ...] | None = None  # in place of all
    more_mailboxes: tuple[str, ...] = ()
    fewer_mailboxes: tuple[str, ...] = ()
    same: tuple[tuple[str, Any], ...] = ()  # must be as they are


def parse_update(patch: dict[str, Any]) -> EmailPatch:
    """Raises RecordRefused: invalidPatch, invalidProperties."""
    keywords: Keywords | None = None
    mailboxes: tuple[str, ...] | None = None
    single: dict[str, dict[str, Any]] = {"keywords": {}, "mailboxIds": {}}
    same: list[tuple[str, Any]] = []
    wrong: list[str] = []
    for path, value in check_patch(patch).items():
        match path:
            case ("keywords",):
                keywords = parse_keywords(value)
            case ("mailboxIds",):
                mailboxes = parse_mailbox_ids(value)
            case ("keywords" | "mailboxIds" as top, name):
                single[top][name] = _true_or_null(top, value)
            case (name,) if name in SERVER_SET:
                same.append((name, value))
            case (name,):
                wrong.append(name)
            case _:
                raise RecordRefused("invalidPatch", "There is nothing of that path to patch.")
    if wrong:
        raise invalid_properties("Of a message only keywords and mailboxes change.", *wrong)
    words, boxes = single["keywords"], single["mailboxIds"]
    return EmailPatch(
        keywords=keywords,
        more_keywords=fold_keywords([name for name, value in words.items() if value]),
        fewer_keywords=fold_keywords([name for name, value in words.items() if not value]),
        mailboxes=mailboxes,
        more_mailboxes=tuple(name for name, value in boxes.items() if value),
        fewer_mailboxes=tuple(name for name, value in boxes.items() if not value),
        same=tuple(same),
    )


def _true_or_null(asked: str, value: Any) -> bool:
    if value is not None and value is not True:
        raise invalid_properties("Only true and null can be set here.", asked)
    return value is True
