"""Take back what a run brought, or all runs of a remote account: exactly that, and nothing else.

What was moved or deleted here since is somebody's decision and stays as it is. What was settled
at the source may be nowhere else, and stays unless it is asked for. The removed messages can be
restored for as long as any expunged ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct, field

from pillarbox.errors import NoSuchMailbox
from pillarbox.ids import AccountId, MailboxId, RemoteId, RunId
from pillarbox.store import Reader, Store, Transaction
from pillarbox.store.model import DELIMITER, Mailbox
from pillarbox.store.sql import changes, collected, mailboxes, messages, remote_runs
from pillarbox.store.sql.collected import Brought

_AT_ONCE = 1000  # messages in one transaction


class Undone(Struct, kw_only=True):
    """What was taken back, and what was not."""

    removed: int = 0
    moved: int = 0  # no longer where they were put: moved or deleted here since
    settled: int = 0  # kept, since the source may not have them any more
    mailboxes: list[str] = field(default_factory=list)  # that were made for it, and are removed


def _unwatched(_done: int, _of: int) -> None:
    """Nobody looks."""


async def undo(
    store: Store,
    account: AccountId,
    remote: RemoteId,
    run: RunId | None = None,
    *,
    force: bool = False,
    watch: Callable[[int, int], None] = _unwatched,
) -> Undone:
    """For the holder of the lease: no run may be under way. It may be broken off and repeated.

    `force`: also what was settled at the source. Afterwards a run brings the same again.
    """
    brought = await store.scan(lambda db: collected.brought_by(db, remote, run))
    everything = run is None or len(brought) == len(
        await store.scan(lambda db: collected.brought_by(db, remote, None))
    )
    settled = await _settled(store, remote, brought) if not force else set()
    result = Undone()
    touched: set[str] = set()
    by_place: dict[tuple[MailboxId, str, str], list[Brought]] = defaultdict(list)
    for one in brought:
        if (one.folder_key, one.validity, one.key) in settled:
            result.settled += 1
        else:
            by_place[one.mailbox, one.folder_key, one.validity].append(one)
    done = result.settled
    for (mailbox, folder_key, validity), rows in by_place.items():
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            place = _Place(account, remote, mailbox, folder_key, validity)
            removed = await store.write(partial(_remove, place=place, rows=part))
            result.removed += removed
            result.moved += len(part) - removed
            done += len(part)
            watch(done, len(brought))
        touched.add(folder_key)
    result.mailboxes = await store.write(
        lambda tx: _remove_mailboxes(tx, account, remote, None if everything else touched)
    )
    return result


class _Place(Struct, frozen=True):
    account: AccountId
    remote: RemoteId
    mailbox: MailboxId
    folder_key: str
    validity: str


async def _settled(
    store: Store, remote: RemoteId, brought: Sequence[Brought]
) -> set[tuple[str, str, str]]:
    folders = {(one.folder_key, one.validity) for one in brought}

    async def look(db: Reader) -> set[tuple[str, str, str]]:
        found = set()
        for folder_key, validity in folders:
            rows = await collected.seen(db, remote, folder_key, validity)
            found |= {(folder_key, validity, key) for key, row in rows.items() if row.settled}
        return found

    return await store.scan(look)


async def _remove(tx: Transaction, place: _Place, rows: Sequence[Brought]) -> int:
    """How many were still where they had been put."""
    try:
        await mailboxes.get(tx, place.account, place.mailbox)
    except NoSuchMailbox:
        return 0
    keys = {(one.message, one.uid): one.key for one in rows}
    placed = await changes.placed(tx, place.account, place.mailbox)
    # By its UID: a copy that somebody made in the same mailbox is the same message.
    there = [(one.message, one.uid) for one in placed if (one.message, one.uid) in keys]
    uids = [uid for _, uid in there]
    await messages.expunge(tx, place.account, place.mailbox, uids, force=True)
    await collected.forget(
        tx, place.remote, place.folder_key, place.validity, [keys[one] for one in there]
    )
    return len(there)


async def _remove_mailboxes(
    tx: Transaction, account: AccountId, remote: RemoteId, touched: set[str] | None
) -> list[str]:
    """Those that were made for its folders and are empty now, the deepest first."""
    states = await remote_runs.folders(tx, remote)
    made = {
        state.mailbox: key
        for key, state in states.items()
        if state.made and state.mailbox is not None and (touched is None or key in touched)
    }
    there = [one for one in await mailboxes.tree(tx, account) if one.id in made]
    removed: list[str] = []
    for mailbox in sorted(there, key=lambda one: -one.path.count(DELIMITER)):
        if mailbox.path in removed:  # as a level above one that came before
            await remote_runs.forget_folder(tx, remote, made[mailbox.id])
        elif await _remove_empty(tx, mailbox):
            removed.append(mailbox.path)
            await remote_runs.forget_folder(tx, remote, made[mailbox.id])
            removed += await _remove_levels(tx, account, mailbox.path)
    return removed


async def _remove_empty(tx: Transaction, mailbox: Mailbox) -> bool:
    if mailbox.messages or await mailboxes.has_children(tx, mailbox):
        return False
    await mailboxes.delete(tx, mailbox.account, mailbox.path)
    await mailboxes.unsubscribe(tx, mailbox.account, mailbox.path)
    return True


async def _remove_levels(tx: Transaction, account: AccountId, path: str) -> list[str]:
    """Levels above it that were made with it: never used, and nobody's special one."""
    removed: list[str] = []
    subscribed = await mailboxes.subscriptions(tx, account)
    above = path.rpartition(DELIMITER)[0]
    while above:
        level = await mailboxes.find(tx, account, above)
        if level is None or level.uid_next > 1 or level.role is not None or above in subscribed:
            break
        if not await _remove_empty(tx, level):
            break
        removed.append(above)
        above = above.rpartition(DELIMITER)[0]
    return removed
