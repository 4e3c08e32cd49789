"""What a message's places in mailboxes say of it: mailboxIds and keywords (RFC 8621 §4.1.1).

A message that is only marked for removal is shown as long as it is there, as IMAP shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pillarbox.jmap.email.forms import date_json
from pillarbox.jmap.ids import mailbox_id
from pillarbox.store.model import FLAG_NAMES, Flag
from pillarbox.store.sql.email_places import Place

# "\Seen" is "$seen" here; "\Deleted" is no keyword.
_KEYWORDS: dict[Flag, str] = {
    flag: name.lower().replace("\\", "$", 1)
    for flag, name in FLAG_NAMES.items()
    if flag is not Flag.DELETED
}


def mailbox_ids_of(places: Iterable[Place]) -> dict[str, bool]:
    """The mailboxes as JMAP has them."""
    return {mailbox_id(place.mailbox): True for place in places}


def mailboxes_since(places: Iterable[Place]) -> dict[str, str | None]:
    """Since when it is in each mailbox; a property of ours (RFC 8514 has it for IMAP)."""
    return {mailbox_id(place.mailbox): date_json(place.saved_at) for place in places}


def keywords_of(places: Iterable[Place]) -> dict[str, bool]:
    """All keywords of all places, in lower case."""
    flags = 0
    words: set[str] = set()
    for place in places:
        flags |= place.flags
        if place.keywords:
            words.update(place.keywords.lower().split(" "))
    found = _keywords_of_flags(flags)
    return dict.fromkeys((*found, *sorted(words)), True)


@lru_cache(maxsize=4096)  # there are eleven bits
def _keywords_of_flags(flags: int) -> tuple[str, ...]:
    return tuple(name for flag, name in _KEYWORDS.items() if flags & flag)
