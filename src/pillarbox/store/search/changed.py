"""What happened to an account's messages since a modseq: in which mailboxes each was, and is."""

from __future__ import annotations

import msgspec

from pillarbox.ids import AccountId, ModSeq
from pillarbox.store.database import Reader

_PLACED = """
    SELECT p.message_id, p.mailbox_id, p.placed_modseq, p.thread_id
    FROM mailbox b CROSS JOIN placement p USING (account_id, mailbox_id)
    WHERE b.account_id = ?1 AND b.modseq > ?2 AND p.modseq > ?2
"""
_GONE = """
    SELECT e.message_id, e.mailbox_id, e.placed_modseq, m.thread_id,
        e.flags & 8 = 8 OR e.shown_modseq > ?2
    FROM (SELECT mailbox_id FROM mailbox WHERE account_id = ?1 AND modseq > ?2
            UNION SELECT mailbox_id FROM mailbox_gone WHERE account_id = ?1 AND modseq > ?2) b
        CROSS JOIN expunged e USING (mailbox_id)
        CROSS JOIN message m ON m.account_id = ?1 AND m.message_id = e.message_id
    WHERE e.account_id = ?1 AND e.modseq > ?2
"""
_PLACES = """
    SELECT message_id, mailbox_id, placed_modseq, flags & 8 = 0, modseq > ?2,
        flags & 8 = 8 OR shown_modseq > ?2
    FROM placement INDEXED BY placement_message
    WHERE account_id = ?1 AND message_id IN (SELECT value FROM json_each(?3))
"""
_ARE_MANY = """
    SELECT count(*) FROM (
        SELECT 1 FROM mailbox b CROSS JOIN placement p USING (account_id, mailbox_id)
            WHERE b.account_id = ?1 AND b.modseq > ?2 AND p.modseq > ?2
        UNION ALL
        SELECT 1
            FROM (SELECT mailbox_id FROM mailbox WHERE account_id = ?1 AND modseq > ?2
                UNION SELECT mailbox_id FROM mailbox_gone WHERE account_id = ?1 AND modseq > ?2) b
            CROSS JOIN expunged e USING (mailbox_id)
            WHERE e.account_id = ?1 AND e.modseq > ?2
        LIMIT ?3 + 1)
"""
_AT_ONCE = 5000  # messages in one statement


class Changed(msgspec.Struct):
    """A message, and the mailboxes that it was and is in."""

    thread: int
    is_doubtful: bool = False  # `before` may hold too much: something had \\Deleted
    before: set[int] = msgspec.field(default_factory=set)
    after: set[int] = msgspec.field(default_factory=set)

    def was_in(self, mailbox: int, is_doubtful: int) -> None:
        """It was in a mailbox, or may have been."""
        self.before.add(mailbox)
        self.is_doubtful = self.is_doubtful or bool(is_doubtful)


async def are_many(db: Reader, account: AccountId, since: ModSeq, most: int) -> bool:
    """Whether more than `most` places changed or went; no more rows than these are looked at."""
    row = await db.row(_ARE_MANY, (account, since, most))
    return row is not None and row[0] > most


async def changed_since(db: Reader, account: AccountId, since: ModSeq) -> dict[int, Changed]:
    """The messages that changed; `account_changes.check_point` told that all of them are known."""
    key = (account, since)
    placed = await db.rows(_PLACED, key)
    gone = await db.rows(_GONE, key)
    changed = {row[0]: Changed(row[3]) for row in (*placed, *gone)}
    for message, mailbox, from_, _, is_doubtful in gone:
        if from_ <= since:
            changed[message].was_in(mailbox, is_doubtful)
    messages = list(changed)
    for start in range(0, len(messages), _AT_ONCE):
        some = msgspec.json.encode(messages[start : start + _AT_ONCE]).decode()
        for message, mailbox, from_, is_shown, is_new, is_doubtful in await db.rows(
            _PLACES, (*key, some)
        ):
            if is_shown:
                changed[message].after.add(mailbox)
            if from_ <= since and (is_shown or is_new):
                changed[message].was_in(mailbox, is_doubtful)
    return changed
