"""The messages that an operation is about: packed, some thousands in a row."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

from pillarbox.ids import AccountId, BulkId, MessageId
from pillarbox.store.database import Reader, Transaction

_IN_A_ROW = 4096
_ADD = "INSERT INTO bulk_list (account_id, bulk_id, first, messages) VALUES (?, ?, ?, ?)"
_AROUND = """
    SELECT first, messages FROM bulk_list
    WHERE account_id = ? AND bulk_id = ? AND first <= ? ORDER BY first DESC LIMIT 1
"""


async def add(
    tx: Transaction, account: AccountId, number: BulkId, first: int, messages: Sequence[MessageId]
) -> None:
    """Behind the first so many that are listed already."""
    rows = [
        (account, number, first + start, _pack(messages[start : start + _IN_A_ROW]))
        for start in range(0, len(messages), _IN_A_ROW)
    ]
    await tx.run_many(_ADD, rows)


async def part(
    db: Reader, account: AccountId, number: BulkId, position: int, most: int
) -> list[MessageId]:
    """Some of those from a place on, `most` at most; none at the end of the list."""
    row = await db.row(_AROUND, (account, number, position))
    if row is None:
        return []
    start = position - row[0]
    return _unpack(row[1])[start : start + most]


def _pack(messages: Sequence[MessageId]) -> bytes:
    packed = array("I", messages)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _unpack(octets: bytes) -> list[MessageId]:
    packed = array("I", octets)
    if sys.byteorder == "big":
        packed.byteswap()
    return [MessageId(one) for one in packed]
