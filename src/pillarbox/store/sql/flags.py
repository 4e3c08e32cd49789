"""STORE: flags and keywords of many places at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from pillarbox.ids import AccountId, MailboxId, ModSeq, Uid
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import Flag, FlagChange, Placed, StoreOutcome
from pillarbox.store.sql.keywords import canonical
from pillarbox.store.sql.modseq import next_modseq

State = tuple[int, str]  # flags, keywords

_PLACED = """
    SELECT uid, message_id, flags, keywords, modseq, size, saved_at FROM placement
    WHERE account_id = ? AND mailbox_id = ? AND uid IN (SELECT value FROM json_each(?))
    ORDER BY uid
"""
_MAILBOX_MODSEQ = "SELECT modseq FROM mailbox WHERE account_id = ? AND mailbox_id = ?"
_UPDATE = """
    UPDATE placement SET flags = ?1, keywords = ?2, modseq = ?3,
        shown_modseq = CASE WHEN flags & 8 = 8 AND ?1 & 8 = 0 THEN ?3 ELSE shown_modseq END
    WHERE account_id = ?4 AND mailbox_id = ?5 AND uid IN (SELECT value FROM json_each(?6))
"""
# Most clients change one message at a time, and a list of one costs twice as much.
_PLACED_ONE = _PLACED.replace("IN (SELECT value FROM json_each(?))", "= ?")
_UPDATE_ONE = _UPDATE.replace("IN (SELECT value FROM json_each(?6))", "= ?6")
_FIRST_FLAGS = """
    SELECT flags FROM placement WHERE account_id = ? AND mailbox_id = ? ORDER BY uid LIMIT ?
"""
_LAST_FLAGS = """
    SELECT flags FROM placement WHERE account_id = ? AND mailbox_id = ? ORDER BY uid DESC LIMIT ?
"""


async def first_flags(db: Reader, account: AccountId, mailbox: MailboxId, count: int) -> list[int]:
    """The flags of a mailbox's oldest messages."""
    return [flags for (flags,) in await db.rows(_FIRST_FLAGS, (account, mailbox, count))]


async def last_flags(db: Reader, account: AccountId, mailbox: MailboxId, count: int) -> list[int]:
    """The flags of a mailbox's newest messages, the newest first."""
    return [flags for (flags,) in await db.rows(_LAST_FLAGS, (account, mailbox, count))]


_COUNT = """
    UPDATE mailbox SET modseq = ?, unseen = unseen + ?, deleted = deleted + ?
    WHERE account_id = ? AND mailbox_id = ?
"""


async def store_flags(
    tx: Transaction,
    account: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid],
    change: FlagChange,
    flags: int,
    keywords: str = "",
    unchanged_since: ModSeq | None = None,
) -> StoreOutcome:
    """Change flags, where wished only of messages not modified since (RFC 7162 §3.1.3).

    What is already as wished gets no new modseq. Raises LimitReached (keywords), NoSuchAccount.
    """
    rows, missing = await _placed(tx, account, mailbox, uids)
    failed: list[Uid] = []
    if unchanged_since is not None:
        failed = [row[0] for row in rows if row[4] > unchanged_since]
        rows = [row for row in rows if row[4] <= unchanged_since]
    if rows and keywords and change is not FlagChange.REMOVE:
        keywords = await canonical(tx, account, keywords)
    changed, unmodified = _split(rows, _new_state(change, int(flags), keywords))
    if not changed:
        return StoreOutcome([], [Placed(*row) for row in unmodified], failed, missing)
    before = await tx.row(_MAILBOX_MODSEQ, (account, mailbox))
    modseq = await next_modseq(tx, account)
    placed = await _apply(tx, account, mailbox, changed, modseq)
    alike = [Placed(*row) for row in unmodified]
    return StoreOutcome(placed, alike, failed, missing, before[0] if before else None, modseq)


async def find_unchanged(
    db: Reader,
    account: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid],
    change: FlagChange,
    flags: int,
) -> StoreOutcome | None:
    """What `store_flags` would tell of a change that changes nothing; None: it changes something.

    Asking costs a tenth of a write. What is read has been committed, durably, by whoever set it.
    """
    rows, missing = await _placed(db, account, mailbox, uids)
    changed, unmodified = _split(rows, _new_state(change, int(flags), ""))
    if changed:
        return None
    return StoreOutcome([], [Placed(*row) for row in unmodified], [], missing)


async def _placed(
    db: Reader, account: AccountId, mailbox: MailboxId, uids: Sequence[Uid]
) -> tuple[list[Row], list[Uid]]:
    """The rows of the messages, and those that have none."""
    if len(uids) == 1:
        rows = await db.rows(_PLACED_ONE, (account, mailbox, uids[0]))
    else:
        rows = await db.rows(_PLACED, (account, mailbox, json.dumps(uids)))
    there = {row[0] for row in rows}
    return rows, [uid for uid in uids if uid not in there]


def _new_state(change: FlagChange, flags: int, keywords: str) -> Callable[[State], State]:
    named = keywords.split()
    folded = {name.lower() for name in named}

    def add(state: State) -> State:
        return state[0] | flags, " ".join(sorted({*state[1].split(), *named}))

    def remove(state: State) -> State:
        left = [name for name in state[1].split() if name.lower() not in folded]
        return state[0] & ~flags, " ".join(left)

    def replace(_: State) -> State:
        return flags, keywords

    return {FlagChange.ADD: add, FlagChange.REMOVE: remove, FlagChange.REPLACE: replace}[change]


def _split(
    rows: list[Row], new_state: Callable[[State], State]
) -> tuple[dict[State, list[Row]], list[Row]]:
    """The rows to change by their new state, and those that stay."""
    states: dict[State, State] = {}  # few, however many rows
    changed: dict[State, list[Row]] = {}
    unmodified: list[Row] = []
    for row in rows:
        old = (row[2], row[3])
        new = states.get(old)
        if new is None:
            new = states[old] = new_state(old)
        if new == old:
            unmodified.append(row)
        else:
            changed.setdefault(new, []).append(row)
    return changed, unmodified


async def _apply(
    tx: Transaction,
    account: AccountId,
    mailbox: MailboxId,
    changed: dict[State, list[Row]],
    modseq: ModSeq,
) -> list[Placed]:
    seen, deleted = int(Flag.SEEN), int(Flag.DELETED)
    more_unseen = more_deleted = 0
    placed: list[Placed] = []
    for (flags, keywords), rows in changed.items():
        sets = (flags, keywords, modseq, account, mailbox)
        if len(rows) == 1:
            await tx.run(_UPDATE_ONE, (*sets, rows[0][0]))
        else:
            await tx.run(_UPDATE, (*sets, json.dumps([row[0] for row in rows])))
        was_unseen = sum(1 for row in rows if not row[2] & seen)
        was_deleted = sum(1 for row in rows if row[2] & deleted)
        more_unseen += (0 if flags & seen else len(rows)) - was_unseen
        more_deleted += (len(rows) if flags & deleted else 0) - was_deleted
        placed.extend(
            Placed(uid, message, flags, keywords, modseq, size, saved_at)
            for uid, message, _, _, _, size, saved_at in rows
        )
    await tx.run(_COUNT, (modseq, more_unseen, more_deleted, account, mailbox))
    if len(changed) > 1:
        placed.sort(key=lambda one: one.uid)
    return placed
