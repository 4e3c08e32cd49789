"""What a mailbox shows beyond its own counters: threads, drafts nobody calls unread, its order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from pillarbox.ids import AccountId, MailboxId
from pillarbox.store.database import Reader
from pillarbox.store.model import Flag, Mailbox, Role

_UNSEEN_DRAFTS = """
    SELECT mailbox_id, count(*) FROM placement INDEXED BY placement_unseen_draft
    WHERE account_id = ? AND flags & 17 = 16 GROUP BY mailbox_id
"""
_UNSEEN_HIDDEN = """
    SELECT mailbox_id, count(*) FROM placement INDEXED BY placement_hidden
    WHERE account_id = ? AND flags & 8 = 8 AND flags & 17 = 0 GROUP BY mailbox_id
"""


async def not_unread(db: Reader, account: AccountId) -> dict[MailboxId, int]:
    r"""Counted in `Mailbox.unseen`, but not unread: drafts, and what is \Deleted (RFC 8621 §2)."""
    found: dict[MailboxId, int] = dict(await db.rows(_UNSEEN_DRAFTS, (account,)))
    for mailbox, count in await db.rows(_UNSEEN_HIDDEN, (account,)):
        found[mailbox] = found.get(mailbox, 0) + count
    return found


_SORT_ORDERS = """
    SELECT mailbox_id, sort_order FROM mailbox
    WHERE account_id = ? AND sort_order IS NOT NULL
"""


async def sort_orders(db: Reader, account: AccountId) -> dict[MailboxId, int]:
    """Of the mailboxes that somebody gave a place."""
    return dict(await db.rows(_SORT_ORDERS, (account,)))


class Threads(msgspec.Struct, frozen=True):
    """Of one mailbox."""

    total: int = 0
    unread: int = 0


_TOTAL = """
    SELECT mailbox_id, count(*) FROM (
        SELECT DISTINCT thread_id, mailbox_id FROM placement INDEXED BY placement_thread
        WHERE account_id = ?)
    GROUP BY mailbox_id
"""
_TOTAL_OF_THESE = """
    SELECT mailbox_id, count(DISTINCT thread_id)
    FROM json_each(?) b CROSS JOIN placement NOT INDEXED
        ON account_id = ? AND mailbox_id = b.value
    GROUP BY mailbox_id
"""
# Those of them of which nothing is shown there (RFC 8621 §4.1.1): as many looks as hidden places.
_TOTAL_HIDDEN = """
    SELECT mailbox_id, count(*) FROM (
        SELECT DISTINCT h.thread_id, h.mailbox_id FROM placement h INDEXED BY placement_hidden
        WHERE h.account_id = ? AND h.flags & 8 = 8 AND NOT EXISTS (
            SELECT 1 FROM placement p INDEXED BY placement_thread
            WHERE p.account_id = h.account_id AND p.thread_id = h.thread_id
                AND p.mailbox_id = h.mailbox_id AND p.flags & 8 = 0))
    GROUP BY mailbox_id
"""
# Ends with the last one that there is; most often they are the newest.
_UNSEEN = """
    SELECT thread_id, flags FROM placement NOT INDEXED
    WHERE account_id = ? AND mailbox_id = ? AND flags & 1 = 0 ORDER BY uid DESC LIMIT ?
"""
_HAVING_UNREAD = """
    SELECT mailbox_id, count(*) FROM (
        SELECT DISTINCT p.thread_id, p.mailbox_id
        FROM json_each(?) u CROSS JOIN placement p INDEXED BY placement_thread
            ON p.account_id = ? AND p.thread_id = u.value)
    GROUP BY mailbox_id
"""
_HAVING_UNREAD_SHOWN = _HAVING_UNREAD.replace("u.value)", "u.value AND p.flags & 8 = 0)")
_NOT_UNREAD = Flag.DRAFT | Flag.DELETED


async def threads(
    db: Reader,
    account: AccountId,
    mailboxes: Sequence[Mailbox],
    known: Mapping[MailboxId, int] = MappingProxyType({}),
    unread: Mapping[MailboxId, Iterable[int]] | None = None,
) -> dict[MailboxId, Threads]:
    """Of those of the account's mailboxes that have messages. Use `scan`.

    `known`: how many threads are shown in some of the mailboxes; the others are counted.
    `unread`: of all mailboxes the threads in which anything is unread there; None: look.
    A thread is unread where any of its messages is, even one in another mailbox. What is in the
    trash alone counts only there, and only what is in the trash counts there (RFC 8621 §2).
    """
    hides = any(one.deleted for one in mailboxes)
    elsewhere: set[int] = set()
    in_trash: set[int] = set()
    trash = next((one.id for one in mailboxes if one.role is Role.TRASH), MailboxId(0))
    if unread is None:
        unread = await _unread(db, account, mailboxes)
    for mailbox, some in unread.items():
        (in_trash if mailbox == trash else elsewhere).update(some)
    having: dict[MailboxId, int] = {}
    if elsewhere:
        sql = _HAVING_UNREAD_SHOWN if hides else _HAVING_UNREAD
        having = dict(await db.rows(sql, (json.dumps(list(elsewhere)), account)))
    having[trash] = len(in_trash)
    total: dict[MailboxId, int] = dict(known)
    if known:
        others = json.dumps([one.id for one in mailboxes if one.id not in known])
        counted = await db.rows(_TOTAL_OF_THESE, (others, account))
    else:
        counted = await db.rows(_TOTAL, (account,))
    hidden: dict[int, int] = dict(await db.rows(_TOTAL_HIDDEN, (account,))) if hides else {}
    total.update({mailbox: count - hidden.get(mailbox, 0) for mailbox, count in counted})
    return {mailbox: Threads(count, having.get(mailbox, 0)) for mailbox, count in total.items()}


async def _unread(
    db: Reader, account: AccountId, mailboxes: Sequence[Mailbox]
) -> Mapping[MailboxId, Iterable[int]]:
    found: dict[MailboxId, set[int]] = {}
    for one in mailboxes:
        if one.unseen:
            rows = await db.rows(_UNSEEN, (account, one.id, one.unseen))
            found[one.id] = {thread for thread, flags in rows if not flags & _NOT_UNREAD}
    return found
