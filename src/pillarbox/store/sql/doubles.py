"""Messages that IMAP put into one mailbox twice: JMAP counts them once (RFC 8621 §2).

Nearly no account has any, and to look for them takes a pass over an index. So who asks remembers
what was found, and afterwards only what was placed since is looked at.
"""

from __future__ import annotations

import json

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId, ModSeq
from pillarbox.store.database import Reader

_MOST_NEW = 2000  # messages that are looked at one by one
_ALL = """
    SELECT DISTINCT message_id FROM (
        SELECT message_id FROM placement INDEXED BY placement_message
        WHERE account_id = ? GROUP BY message_id, mailbox_id HAVING count(*) > 1)
"""
_SINCE = """
    SELECT DISTINCT p.message_id
    FROM mailbox b CROSS JOIN placement p INDEXED BY placement_modseq
        ON p.account_id = b.account_id AND p.mailbox_id = b.mailbox_id AND p.modseq > ?
    WHERE b.account_id = ? AND b.modseq > ?
    LIMIT ?
"""
_AMONG = """
    SELECT DISTINCT message_id FROM (
        SELECT message_id FROM placement INDEXED BY placement_message
        WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
        GROUP BY message_id, mailbox_id HAVING count(*) > 1)
"""
_SURPLUS = """
    SELECT mailbox_id, sum(places - 1), sum(unread - (unread = places)) FROM (
        SELECT mailbox_id, count(*) AS places, sum(flags & 17 = 0) AS unread
        FROM placement INDEXED BY placement_message
        WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?)) AND flags & 8 = 0
        GROUP BY message_id, mailbox_id HAVING count(*) > 1)
    GROUP BY mailbox_id
"""


class Doubles(msgspec.Struct, frozen=True):
    """Which messages are somewhere twice, at one instant."""

    modseq: ModSeq
    messages: frozenset[MessageId] = frozenset()


class Surplus(msgspec.Struct, frozen=True):
    """Counted in a mailbox beyond its messages."""

    messages: int = 0
    unread: int = 0


async def find(
    db: Reader, account: AccountId, modseq: ModSeq, before: Doubles | None = None
) -> Doubles:
    """As it is at `modseq`, the account's; `before`: what was found then."""
    if before is not None and before.modseq == modseq:
        return before
    if before is None or before.modseq > modseq:
        rows = await db.rows(_ALL, (account,))
        return Doubles(modseq, frozenset(row[0] for row in rows))
    since = before.modseq
    rows = await db.rows(_SINCE, (since, account, since, _MOST_NEW + 1))
    if len(rows) > _MOST_NEW:
        return await find(db, account, modseq)
    among = before.messages.union(row[0] for row in rows)
    if not among:
        return Doubles(modseq)
    rows = await db.rows(_AMONG, (account, json.dumps(list(among))))
    return Doubles(modseq, frozenset(row[0] for row in rows))


async def surplus(db: Reader, account: AccountId, there: Doubles) -> dict[MailboxId, Surplus]:
    """For each mailbox that has any; a message of which one place is seen is not unread."""
    if not there.messages:
        return {}
    rows = await db.rows(_SURPLUS, (account, json.dumps(list(there.messages))))
    return {MailboxId(mailbox): Surplus(total, unread) for mailbox, total, unread in rows}
