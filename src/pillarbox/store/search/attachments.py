"""Which messages of an account have attachments, kept in memory: that never changes of a message.

What came since is asked for; to look at all the rows of 100,000 messages takes some 50 ms.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from typing import TypeAlias

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader

Numbers: TypeAlias = "array[int]"

_MOST_MESSAGES = 250_000  # in all that is kept; 4 octets each
_LAST = "SELECT coalesce(max(message_id), 0) FROM message WHERE account_id = ?"
_SINCE = """
    SELECT json_group_array(message_id) FROM message
    WHERE account_id = ? AND message_id > ? AND message_id <= ? AND has_attachment = 1
"""
_numbers = msgspec.json.Decoder(list[int]).decode


class KeptAttachments:
    """Of the accounts of one process; its threads share it, and what is in it never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[AccountId, tuple[int, Numbers]] = OrderedDict()
        self._messages = 0
        self._lock = threading.Lock()

    async def find(self, db: Reader, account: AccountId) -> Numbers:
        """All in this snapshot, some that came after it, and some that went."""
        with self._lock:
            upto, known = self._kept.get(account, (0, array("I")))
        last = (await db.row(_LAST, (account,)) or (0,))[0]
        if last <= upto:
            return known
        row = await db.row(_SINCE, (account, upto, last))
        made = known + array("I", _numbers(row[0]) if row is not None else ())
        self._keep(account, last, made)
        return made

    def _keep(self, account: AccountId, upto: int, made: Numbers) -> None:
        with self._lock:
            before = self._kept.pop(account, (0, array("I")))
            self._kept[account] = max(before, (upto, made), key=lambda one: one[0])
            self._messages += len(self._kept[account][1]) - len(before[1])
            while self._messages > _MOST_MESSAGES:
                _, oldest = self._kept.popitem(last=False)
                self._messages -= len(oldest[1])
