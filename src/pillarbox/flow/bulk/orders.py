"""What people ask for: an operation on what a filter finds now, and its undo."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from pillarbox.errors import NotAllowed
from pillarbox.flow.bulk.actions import (
    Action,
    Restore,
    encode_action,
    needed_mailboxes,
    parse_action,
    shown,
)
from pillarbox.flow.bulk.folders import described
from pillarbox.ids import AccountId, BulkId, MailboxId, MessageId, ModSeq
from pillarbox.store import Store
from pillarbox.store import query as q
from pillarbox.store.database import Transaction
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.sql import bulk, deleted, mailboxes
from pillarbox.store.sql.bulk import OPEN, BulkRow
from pillarbox.telemetry.log import get_logger

log = get_logger("bulk")
FOREVER = 2**62


class Deleted(msgspec.Struct, frozen=True):
    """Messages destroyed in [after, before), Unix seconds."""

    after: int = 0
    before: int = FOREVER
    folded: str = ""  # in subject, senders or recipients


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages: what a filter finds, or these."""

    query: q.Query | None = None
    messages: Sequence[MessageId] | None = None
    deleted: Deleted | None = None  # for Restore
    but: Collection[MessageId] = ()
    up_to: ModSeq | None = None  # what came later is left out
    hidden: bool = False  # of one mailbox also what IMAP flagged \\Deleted


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as it is asked for."""

    account: AccountId
    selection: Selection
    action: Action
    key: str | None = None
    initiated_by: str = "{}"  # JSON


async def begin(store: Store, order: Order) -> BulkRow:
    """Find the messages, and queue what is to be done.

    Raises NoSuchMailbox, NotAllowed, Unavailable. The same again under the same key.
    """
    account, key = order.account, order.key
    if key is not None:
        there = await store.read(lambda db: bulk.by_key(db, account, key))
        if there is not None:
            return there
    found = await find(store, order.account, order.selection)

    async def add(tx: Transaction) -> BulkRow:
        for mailbox in needed_mailboxes(order.action):
            await mailboxes.get(tx, account, mailbox)
        return await bulk.add(
            tx,
            bulk.NewBulk(
                account=account,
                action=encode_action(await described(tx, account, order.action)),
                messages=found,
                within=_only_mailbox(order.selection.query),
                initiated_by=order.initiated_by,
                key=key,
            ),
        )

    made = await store.write(add)
    kind = shown(order.action)["type"]
    by = order.initiated_by
    log.event("bulk.asked", account=account, bulk=made.id, kind=kind, total=made.total, by=by)
    return made


async def find(store: Store, account: AccountId, selection: Selection) -> list[MessageId]:
    """The messages that an operation would be about, the oldest first."""
    gone = selection.deleted
    if gone is not None:
        rows = await store.scan(
            lambda db: deleted.deleted(db, account, gone.after, gone.before, gone.folded)
        )
        found = {message for message, _ in rows}
    elif selection.messages is not None:
        found = set(selection.messages)
    else:
        found = await store.ask_account(account, lambda search: _ask(search, selection))
    return sorted(found.difference(selection.but))


# What a mailbox, or the account, held at a modseq; what left it since comes from the tombstones.
_THERE = """
    SELECT json_group_array(message_id) FROM placement
    WHERE account_id = ? AND placed_modseq <= ?
"""
_THERE_IN = _THERE + " AND mailbox_id = ?"
_LEFT = """
    SELECT json_group_array(message_id) FROM expunged
    WHERE account_id = ? AND placed_modseq <= ? AND modseq > ?
"""


async def _ask(search: AccountSearch, selection: Selection) -> set[MessageId]:
    mailbox = _only_mailbox(selection.query)
    if selection.hidden and mailbox is not None:
        search = search.with_hidden()
    found = await search.find(selection.query or q.All())
    if selection.up_to is not None:
        if mailbox is not None:
            found &= await search.ask(_THERE_IN, selection.up_to, mailbox)
        else:
            there = await search.ask(_THERE, selection.up_to)
            found &= there | await search.ask(_LEFT, selection.up_to, selection.up_to)
    return {MessageId(message) for message in found}


def _only_mailbox(query: q.Query | None) -> MailboxId | None:
    """The mailbox that a filter is about, where it is about one."""
    match query:
        case q.InMailbox(mailbox):
            return mailbox
        case q.And(terms):
            named = [one.mailbox for one in terms if isinstance(one, q.InMailbox)]
            return named[0] if len(named) == 1 else None
    return None


async def undo(store: Store, account: AccountId, number: BulkId, initiated_by: str) -> BulkRow:
    """Queue the undo of an operation; one that still runs is stopped first.

    Raises NoSuchBulk, NotAllowed. Asked for twice, it is the same one.
    """

    async def add(tx: Transaction) -> BulkRow:
        there = await bulk.get(tx, account, number)
        if there.undone_by is not None:
            return await bulk.get(tx, account, there.undone_by)
        _check_undo(there, tx.now())
        there = await bulk.cancel(tx, account, number)
        return await bulk.add(
            tx,
            bulk.NewBulk(
                account=account,
                action=there.action,
                undo_of=number,
                total=there.done,
                initiated_by=initiated_by,
            ),
        )

    made = await store.write(add)
    log.event("bulk.undo_asked", account=account, bulk=made.id, of=number, by=initiated_by)
    return made


def _check_undo(there: BulkRow, now: int) -> None:
    is_open = there.status in OPEN
    if there.undo_of is not None or (there.undo_until is None and not is_open):
        raise NotAllowed("That cannot be undone.")
    if is_open and _is_restore(there):
        raise NotAllowed("That cannot be undone; it can be stopped.")
    if there.undo_until is not None and there.undo_until < now:
        raise NotAllowed("It is too long ago to be undone.")


def _is_restore(there: BulkRow) -> bool:
    return isinstance(parse_action(there.action), Restore)
