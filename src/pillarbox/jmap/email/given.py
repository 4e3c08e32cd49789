"""Keywords and mailbox ids of an Email as a client gives them (RFC 8621 §4.1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pillarbox.ids import MailboxId
from pillarbox.jmap.errors import invalid_properties
from pillarbox.jmap.ids import number_of
from pillarbox.store.model import FLAG_NAMES, Flag

_KEYWORD = re.compile(r"[!-~]{1,255}")
_NEVER = re.compile(r'[(){\]%*"\\]')
# \Deleted is a matter of IMAP alone.
_FLAGS: dict[str, Flag] = {
    name.lower().replace("\\", "$"): flag
    for flag, name in FLAG_NAMES.items()
    if flag is not Flag.DELETED
}


class Keywords(msgspec.Struct, frozen=True):
    """As the store keeps them: bits, and the names of others in lower case."""

    flags: int
    names: tuple[str, ...]


def parse_keywords(value: Any) -> Keywords:
    """A map of keyword to true; null is none. Raises RecordRefused."""
    if value is None:
        return Keywords(0, ())
    if not isinstance(value, dict) or not all(one is True for one in value.values()):
        raise invalid_properties("Keywords are a map of names to true.", "keywords")
    return fold_keywords(value)


def fold_keywords(names: Iterable[str]) -> Keywords:
    """Raises RecordRefused for a name that is none."""
    flags = 0
    others: set[str] = set()
    for name in names:
        if not _KEYWORD.fullmatch(name) or _NEVER.search(name):
            raise invalid_properties(f"{name[:50]!r} is no keyword.", "keywords")
        folded = name.lower()
        if folded in _FLAGS:
            flags |= _FLAGS[folded]
        else:
            others.add(folded)
    return Keywords(flags, tuple(sorted(others)))


def parse_mailbox_ids(value: Any) -> tuple[str, ...]:
    """The ids of a map to true, of which there is at least one. Raises RecordRefused."""
    if not isinstance(value, dict) or not all(one is True for one in value.values()):
        raise invalid_properties("Mailboxes are a map of their ids to true.", "mailboxIds")
    if not value:
        raise invalid_properties("A message is in one mailbox at least.", "mailboxIds")
    return tuple(value)


def find_mailbox(real_id: Callable[[str], str], given: str) -> MailboxId:
    """An id as a number; 0 for one that cannot be."""
    return MailboxId(number_of("F", real_id(given)))
