"""Pages of the text index: the folded columns of many messages of an account in one row.

A subject is a few dozen octets in a row of a thousand, so to look through those of 50,000 rows is
to read all of the rows. A page has the subjects of 256 messages one behind the other, and none has
to be confirmed. The messages behind an account's last page, fewer than a page, are looked through
where they lie.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any, cast

import apsw

from pillarbox.ids import AccountId, MessageId
from pillarbox.store.engine.sqlite.connection import fetch
from pillarbox.store.query import Field

CREATE_PAGE = """
    CREATE TABLE page (
        number INTEGER PRIMARY KEY, -- of its first message
        last INTEGER NOT NULL, -- and of its last one, which may be gone
        messages BLOB NOT NULL, -- their ids, four octets each, the lowest first
        folded_subject BLOB NOT NULL, -- as many texts, parted by an octet that UTF-8 has not
        folded_from BLOB NOT NULL,
        folded_to BLOB NOT NULL,
        folded_cc BLOB NOT NULL,
        folded_bcc BLOB NOT NULL
    );
"""
MESSAGES = 256  # in a page
_PAGE_OCTETS = 512 * 1024  # of the texts in a page, and one message's more
_PART = b"\xff"
_BETWEEN = _PART.decode("latin-1")
_DENSE = 4  # texts; where one of so many holds a needle all are looked into
_LAST = 0xFFFFFFFF

_COLUMNS = {
    Field.SUBJECT: "folded_subject",
    Field.FROM: "folded_from",
    Field.TO: "folded_to",
    Field.CC: "folded_cc",
    Field.BCC: "folded_bcc",
}
_HOLDING = "SELECT last, messages, {column} FROM page WHERE number BETWEEN ? AND ? ORDER BY number"
_HOLDING_IN = {field: _HOLDING.format(column=column) for field, column in _COLUMNS.items()}
_ENDS = "SELECT last FROM page WHERE number BETWEEN ? AND ? ORDER BY number DESC LIMIT 1"
_AROUND = "SELECT * FROM page WHERE number <= ? ORDER BY number DESC LIMIT 1"
_NEXT = "SELECT * FROM page WHERE number > ? ORDER BY number LIMIT 1"
_ADD = "INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM page WHERE number = ?"
_HOW_MANY = """
    SELECT count(*) FROM (
        SELECT 1 FROM message WHERE account_id = ? AND message_id > ? LIMIT ?)
"""
_ROWS = """
    SELECT message_id, folded_subject, folded_from, folded_to, folded_cc, folded_bcc
    FROM message WHERE account_id = ? AND message_id > ? ORDER BY message_id LIMIT ?
"""

Texts = dict[int, list[bytes]]  # the columns of each message of a page, by its number


def holding(
    index: apsw.Connection, field: Field, account: AccountId, octets: bytes
) -> tuple[set[MessageId], MessageId]:
    """The messages whose column holds the octets, of those up to the message that is told, too."""
    found: list[int] = []
    upto = 0
    is_frequent = not octets  # which every text holds
    for last, messages, texts in index.execute(_HOLDING_IN[field], _range(account)):
        upto = last & _LAST
        ids = _ids(messages)
        here = None if is_frequent else _leapt_to(ids, texts, octets)
        if here is None:
            here = _come_across(ids, texts, octets)
        is_frequent = len(here) * _DENSE > len(ids)  # the next page will be like this one
        found += here
    return set(cast("list[MessageId]", found)), MessageId(upto)


def every(
    index: apsw.Connection, field: Field, account: AccountId
) -> Iterator[tuple[MessageId, Sequence[int], list[bytes]]]:
    """A folded column page by page: up to which message it goes, the messages, their texts."""
    for last, messages, texts in index.execute(_HOLDING_IN[field], _range(account)):
        yield MessageId(last & _LAST), _ids(messages), bytes(texts).split(_PART)


def _leapt_to(messages: Sequence[int], texts: bytes, octets: bytes) -> list[int] | None:
    """The messages whose text holds the octets; None where these may be many."""
    if _PART in octets:  # no text has that octet
        return []
    before = texts.split(octets)
    del before[-1]  # it stands behind the last place where they are
    if len(before) * _DENSE > len(messages):
        return None
    found: list[int] = []
    number = 0
    for piece in before:
        parted = piece.count(_PART)
        if parted or not found:  # else it is the same text once more
            number += parted
            found.append(messages[number])
    return found


def _come_across(messages: Sequence[int], texts: bytes, octets: bytes) -> list[int]:
    """The same, text by text."""
    # Python looks into a short text of Latin-1 in a third of the time; octets are octets.
    needle, every = octets.decode("latin-1"), texts.decode("latin-1").split(_BETWEEN)
    return list(compress(messages, [needle in text for text in every]))


def add_pages(index: apsw.Connection, rows: apsw.Connection, account: AccountId, most: int) -> int:
    """Make the pages that an account's next messages fill, of `most` messages; how many pages."""
    ends = fetch(index, _ENDS, _range(account))
    after = ends[0][0] & _LAST if ends else 0
    if fetch(rows, _HOW_MANY, (account, after, MESSAGES))[0][0] < MESSAGES:
        return 0
    made = size = 0
    texts: Texts = {}
    with index:
        for message, *columns in rows.execute(_ROWS, (account, after, most)):
            octets = [column.encode("utf-8", "replace") for column in columns]
            texts[(account << 32) | message] = octets
            size += sum(map(len, octets))
            if len(texts) == MESSAGES or size > _PAGE_OCTETS:
                index.execute(_ADD, _page(min(texts), max(texts), texts))
                made += 1
                texts, size = {}, 0
    return made


def remove_from_pages(index: apsw.Connection, numbers: list[int]) -> None:
    """Forget messages by number; the caller holds a transaction open."""
    left = sorted(numbers, reverse=True)
    while left:
        around = fetch(index, _AROUND, (left[-1],))
        if not around or around[0][1] < left[-1]:
            left.pop()  # in no page
            continue
        first, last, texts = _read(around[0])
        while left and left[-1] <= last:
            texts.pop(left.pop(), None)
        if texts:
            index.execute(_ADD, _page(first, last, texts))
        else:
            index.execute(_REMOVE, (first,))


def pages_after(index: apsw.Connection, number: int) -> Iterator[tuple[int, int, Texts]]:
    """The pages that begin behind a number: first and last number, and what is in between."""
    while page := fetch(index, _NEXT, (number,)):
        number = page[0][0]
        yield _read(page[0])


def _range(account: AccountId) -> tuple[int, int]:
    return account << 32, (account << 32) | _LAST


def _ids(messages: bytes) -> array[int]:
    ids = array("I", messages)
    if sys.byteorder == "big":
        ids.byteswap()
    return ids


def _page(first: int, last: int, texts: Texts) -> list[Any]:
    ids = array("I", [number & _LAST for number in texts])
    if sys.byteorder == "big":
        ids.byteswap()
    columns = [_PART.join(column) for column in zip(*texts.values(), strict=True)]
    return [first, last, ids.tobytes(), *columns]


def _read(page: Sequence[Any]) -> tuple[int, int, Texts]:
    first, last, messages, *columns = page
    account = first >> 32 << 32
    texts = zip(*[column.split(_PART) for column in columns], strict=True)
    every = zip(_ids(messages), texts, strict=True)
    return first, last, {account | message: list(text) for message, text in every}
