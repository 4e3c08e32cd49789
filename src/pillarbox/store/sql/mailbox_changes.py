"""Which mailboxes were created, updated and destroyed since a point (RFC 8621 §2.2)."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId
from pillarbox.store.database import Reader
from pillarbox.store.sql.account_changes import Changes, Event, Point, check_point, page


class MailboxChanges(msgspec.Struct, frozen=True):
    """With those of the updated ones that differ in more than their counts."""

    changes: Changes
    described: frozenset[int]


_MAILBOXES = """
    SELECT mailbox_id, created_modseq, max(modseq, described_modseq), described_modseq
    FROM mailbox WHERE account_id = ?
"""
_MAILBOXES_GONE = """
    SELECT mailbox_id, created_modseq, modseq FROM mailbox_gone
    WHERE account_id = ? AND modseq > ?
"""
# A message that is read in one mailbox changes the unread threads of all that its thread is in.
_SHARING_THREADS = """
    WITH changed (thread_id, modseq) AS (
        SELECT p.thread_id, p.modseq
        FROM mailbox b CROSS JOIN placement p USING (account_id, mailbox_id)
        WHERE b.account_id = ?1 AND b.modseq > ?2 AND p.modseq > ?2
        UNION ALL
        SELECT m.thread_id, e.modseq
        FROM (SELECT mailbox_id FROM mailbox WHERE account_id = ?1 AND modseq > ?2
                UNION SELECT mailbox_id FROM mailbox_gone WHERE account_id = ?1 AND modseq > ?2) b
            CROSS JOIN expunged e USING (mailbox_id)
            CROSS JOIN message m ON m.account_id = ?1 AND m.message_id = e.message_id
        WHERE e.account_id = ?1 AND e.modseq > ?2)
    SELECT p.mailbox_id, max(c.modseq)
    FROM (SELECT thread_id, max(modseq) AS modseq FROM changed GROUP BY thread_id) c
        CROSS JOIN placement p ON p.account_id = ?1 AND p.thread_id = c.thread_id
    GROUP BY p.mailbox_id
"""


async def mailbox_changes(
    db: Reader, account: AccountId, since: Point, limit: int
) -> MailboxChanges:
    """Of mailboxes, with what changes their counts (RFC 8621 §2.2).

    Raises CannotCalculateChanges.
    """
    now = await check_point(db, account, since)
    if since == Point(now):
        return MailboxChanges(page([], now, limit), frozenset())
    rows = await db.rows(_SHARING_THREADS, (account, since.floor))
    sharing: dict[int, int] = dict(rows)
    events: list[Event] = []
    described: set[int] = set()
    for mailbox, created, last, told in await db.rows(_MAILBOXES, (account,)):
        last, base = max(last, sharing.get(mailbox, 0)), since.base(mailbox)
        if created > base:
            events.append((created, mailbox, "created"))
        elif told > base:  # counts that changed after it may be told of once more
            events.append((told, mailbox, "updated"))
            described.add(mailbox)
        elif last > base:
            events.append((last, mailbox, "updated"))
    for mailbox, created, gone in await db.rows(_MAILBOXES_GONE, (account, since.floor)):
        if created <= since.base(mailbox) < gone:
            events.append((gone, mailbox, "destroyed"))
    changes = page(events, now, limit)
    return MailboxChanges(changes, frozenset(described.intersection(changes.updated)))
