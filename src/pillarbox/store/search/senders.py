"""Who sent each message of an account: the first address of From, from the folded columns."""

from __future__ import annotations

import re

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader
from pillarbox.store.query import Field
from pillarbox.store.search.text_index import TextIndex

_IN_ANGLES = re.compile(rb"<([^<>\s@]+@[^<>\s@]+)>")
_BARE = re.compile(rb"[^\s<>,;:\"()@]+@[^\s<>,;:\"()@]+")
_BEHIND = "SELECT message_id, folded_from FROM message WHERE account_id = ? AND message_id > ?"


def address_of(text: bytes) -> str:
    """The first address of a folded From field; "" where there is none."""
    match = _IN_ANGLES.search(text)
    if match is not None:
        return match[1].decode("utf-8", "replace")
    match = _BARE.search(text)
    return match[0].decode("utf-8", "replace") if match is not None else ""


async def senders(db: Reader, texts: TextIndex, account: AccountId) -> dict[int, str]:
    """The address of each message; of some that are no longer there, too."""
    found: dict[int, str] = {}
    known: dict[bytes, str] = {}  # there are far fewer senders than messages
    upto = 0
    for last, messages, column in texts.column(Field.FROM, account):
        upto = last
        for message, text in zip(messages, column, strict=True):
            address = known.get(text)
            if address is None:
                address = known[text] = address_of(text)
            found[message] = address
    for message, text in await db.rows(_BEHIND, (account, upto)):
        found[message] = address_of(text.encode("utf-8", "replace"))
    return found
