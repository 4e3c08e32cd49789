"""The messages of threads, as far as JMAP shows them (RFC 8621 §3)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pillarbox.ids import AccountId, MessageId, ThreadId
from pillarbox.store.database import Reader

_MEMBERS = """
    SELECT DISTINCT thread_id, received_at, message_id
    FROM placement INDEXED BY placement_thread
    WHERE account_id = ? AND thread_id IN (SELECT value FROM json_each(?)) AND flags & 8 = 0
"""


async def members(
    db: Reader, account: AccountId, threads: Sequence[ThreadId]
) -> dict[ThreadId, list[MessageId]]:
    """Oldest first, then by number; threads without any are left out."""
    found: dict[ThreadId, list[MessageId]] = {}
    for thread, _, message in sorted(await db.rows(_MEMBERS, (account, json.dumps(threads)))):
        found.setdefault(thread, []).append(message)
    return found
