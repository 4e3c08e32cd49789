"""The places of a large mailbox column by column: no row is made for a message.

SQLite writes a column of numbers as JSON, and it is read from there, in less than half of the time
that as many rows take (50,000 messages: 17 ms instead of 45).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.database import Reader, Row
from pillarbox.store.sql.changes import gone_as_of, placed_as_of

_numbers = msgspec.json.Decoder(list[int]).decode
_AT_ONCE = 20_000  # messages; 60 octets each until they are packed


class Columns(NamedTuple):
    """The fields of Placed, each for all messages, in the order of their UIDs."""

    uids: Sequence[int]
    messages: Sequence[int]
    flags: Sequence[int]
    modseqs: Sequence[int]
    sizes: Sequence[int]
    saved: Sequence[int]
    keywords: dict[int, str]  # by UID, of those that have some


def columns_of(rows: Sequence[Row]) -> Columns:
    """The same out of rows with the fields of Placed, of which there is at least one."""
    uids, messages, flags, keywords, modseqs, sizes, saved = zip(*rows, strict=True)
    some = {uid: words for uid, words in zip(uids, keywords, strict=True) if words}
    return Columns(uids, messages, flags, modseqs, sizes, saved, some)


_COLUMNS = """
    SELECT json_group_array(uid), json_group_array(message_id), json_group_array(flags),
        json_group_array(min(modseq, ?1)), json_group_array(size), json_group_array(saved_at),
        max(keywords)
    FROM (SELECT uid, message_id, flags, keywords, modseq, size, saved_at FROM placement
        WHERE account_id = ?2 AND mailbox_id = ?3 AND uid >= ?4 AND uid < ?5
        ORDER BY uid LIMIT ?6)
"""
_KEYWORDS = """
    SELECT uid, keywords FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid >= ? AND uid <= ? AND keywords <> ''
"""


async def columns_as_of(
    db: Reader, account: AccountId, mailbox: MailboxId, modseq: ModSeq, *, low: int, high: int
) -> AsyncIterator[Columns]:
    """What `placed_as_of` tells, some thousands of messages at a time; none is nothing."""
    if await gone_as_of(db, account, mailbox, modseq, low=low, high=high):
        async for rows in placed_as_of(db, account, mailbox, modseq, low=low, high=high):
            if rows:
                yield columns_of(rows)
        return
    while True:
        row = await db.row(_COLUMNS, (modseq, account, mailbox, low, high, _AT_ONCE))
        assert row is not None  # an aggregate has one always
        uids, messages, flags, modseqs, sizes, saved = map(_numbers, row[:6])
        if not uids:
            return
        some = dict[int, str]()
        if row[6]:
            some = dict(await db.rows(_KEYWORDS, (account, mailbox, uids[0], uids[-1])))
        yield Columns(uids, messages, flags, modseqs, sizes, saved, some)
        if len(uids) < _AT_ONCE:
            return
        low = uids[-1] + 1
