"""What programs see that fetch over POP3, and what becomes of what they delete: a person's choice.

POP3 knows no folders and no flags: a program sees the inbox, and says by DELE and QUIT that it has
a message (RFC 1939 §6). So DELE is what "fetched" means here. RETR alone changes nothing: it is
also what a program sends that only wants to look.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pillarbox.ids import AccountId, MailboxId, MessageId
from pillarbox.store.database import Reader, Transaction

LONGEST_DAYS = 36_500  # a century: as good as all, and no date before the first


class AfterFetching(StrEnum):
    """What becomes of a message that was deleted over POP3."""

    DELETE = "delete"  # it goes, where the server's `pop3.deleted_goes_to` says
    TRASH = "trash"
    ARCHIVE = "archive"
    READ = "read"  # it stays and counts as read
    KEEP = "keep"  # it stays as it is


class PopView(msgspec.Struct, frozen=True):
    """As it is for who never chose: all of the inbox, and DELE deletes."""

    days: int | None = None  # what arrived in so many days; None: all
    after: AfterFetching = AfterFetching.DELETE
    hides_fetched: bool = False  # what stayed is not shown again


_GET = "SELECT days, after_fetching, hides_fetched FROM pop_view WHERE account_id = ?"
_PUT = """
    INSERT INTO pop_view (account_id, days, after_fetching, hides_fetched) VALUES (?, ?, ?, ?)
    ON CONFLICT (account_id) DO UPDATE SET days = excluded.days,
        after_fetching = excluded.after_fetching, hides_fetched = excluded.hides_fetched
"""


async def get(db: Reader, account: AccountId) -> PopView:
    """What the person chose, or what holds without a choice."""
    row = await db.row(_GET, (account,))
    if row is None:
        return PopView()
    return PopView(row[0], AfterFetching(row[1]), bool(row[2]))


async def put(tx: Transaction, account: AccountId, view: PopView) -> None:
    """It holds for sessions that begin from now on, and for what is deleted from now on."""
    chosen = (view.days, view.after.value, int(view.hides_fetched))
    await tx.run(_PUT, (account, *chosen))


_SHOWN = """
    SELECT uid FROM placement
    WHERE account_id = ?1 AND mailbox_id = ?2 AND received_at >= ?3
        AND (?4 = 0 OR message_id NOT IN
            (SELECT message_id FROM pop_fetched WHERE account_id = ?1))
"""
_DAY = 86_400  # seconds


async def shown_uids(
    db: Reader, account: AccountId, mailbox: MailboxId, view: PopView, now: int
) -> frozenset[int] | None:
    """The UIDs that the view shows of a mailbox; None: all of them."""
    if view.days is None and not view.hides_fetched:
        return None
    since = 0 if view.days is None else now - view.days * _DAY
    rows = await db.rows(_SHOWN, (account, mailbox, since, int(view.hides_fetched)))
    return frozenset([row[0] for row in rows])


_NOTE = """
    INSERT INTO pop_fetched (account_id, message_id)
    SELECT ?1, value FROM json_each(?2) WHERE TRUE ON CONFLICT DO NOTHING
"""
_FORGET = """
    DELETE FROM pop_fetched
    WHERE account_id = ? AND message_id IN (SELECT value FROM json_each(?))
"""


async def note_fetched(tx: Transaction, account: AccountId, messages: Sequence[MessageId]) -> None:
    """They stay, but a program has them. Noted whatever is hidden: the choice may come later."""
    await tx.run(_NOTE, (account, json.dumps(messages)))


async def forget_fetched(
    tx: Transaction, account: AccountId, messages: Sequence[MessageId]
) -> None:
    """They are destroyed for good."""
    await tx.run(_FORGET, (account, json.dumps(messages)))
