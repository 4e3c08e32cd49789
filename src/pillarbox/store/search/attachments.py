"""Which messages of an account have attachments, kept in memory: that never changes of a message.

What came since is asked for; to look at all the rows of 100,000 messages takes some 50 ms.
"""

from __future__ import annotations

from array import array
from typing import TypeAlias

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader
from pillarbox.store.search.recent import Recent

Numbers: TypeAlias = "array[int]"

_MOST_MESSAGES = 250_000  # in all that is kept; 4 octets each
_LAST = "SELECT coalesce(max(message_id), 0) FROM message WHERE account_id = ?"
_SINCE = """
    SELECT json_group_array(message_id) FROM message
    WHERE account_id = ? AND message_id > ? AND message_id <= ? AND has_attachment = 1
"""
_numbers = msgspec.json.Decoder(list[int]).decode


class KeptAttachments(Recent[AccountId, tuple[int, Numbers]]):
    """Of the accounts of one process: up to which message it is known, and which have any."""

    def __init__(self, most: int = _MOST_MESSAGES) -> None:
        super().__init__(most)

    async def of(self, db: Reader, account: AccountId) -> Numbers:
        """All in this snapshot, some that came after it, and some that went."""
        upto, known = self.find(account) or (0, array("I"))
        last = (await db.row(_LAST, (account,)) or (0,))[0]
        if last <= upto:
            return known
        row = await db.row(_SINCE, (account, upto, last))
        made = known + array("I", _numbers(row[0]) if row is not None else ())
        self.keep(account, (last, made), last, len(made))
        return made
