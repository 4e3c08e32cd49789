"""Mailboxes and subscriptions."""

from __future__ import annotations

from pillarbox.errors import (
    AlreadyExists,
    BadName,
    LimitReached,
    MailboxHasChildren,
    NoSuchMailbox,
    NotAllowed,
)
from pillarbox.ids import AccountId, MailboxId, ModSeq
from pillarbox.store.database import Reader, Row, Transaction
from pillarbox.store.model import DELIMITER, Mailbox, Role
from pillarbox.store.sql.modseq import next_modseq
from pillarbox.store.sql.names import INBOX, check_path, normal_path

_TREE = """
    SELECT mailbox_id, account_id, parent_id, path, role, selectable, uid_validity, uid_next,
        modseq, messages, unseen, deleted, octets
    FROM mailbox WHERE account_id = ?
"""
_FIND = """
    SELECT mailbox_id, account_id, parent_id, path, role, selectable, uid_validity, uid_next,
        modseq, messages, unseen, deleted, octets
    FROM mailbox WHERE account_id = ? AND path = ?
"""
_GET = """
    SELECT mailbox_id, account_id, parent_id, path, role, selectable, uid_validity, uid_next,
        modseq, messages, unseen, deleted, octets
    FROM mailbox WHERE account_id = ? AND mailbox_id = ?
"""
_BY_ROLE = """
    SELECT mailbox_id, account_id, parent_id, path, role, selectable, uid_validity, uid_next,
        modseq, messages, unseen, deleted, octets
    FROM mailbox WHERE account_id = ? AND role = ?
"""


async def tree(db: Reader, account: AccountId) -> list[Mailbox]:
    """All mailboxes, each after its parent, INBOX first, the others in alphabetical order."""
    found = [_mailbox(row) for row in await db.rows(_TREE, (account,))]
    return sorted(found, key=_place_in_tree)


async def find(db: Reader, account: AccountId, path: str) -> Mailbox | None:
    """By path; INBOX in any case. A level that only has children is found, too."""
    row = await db.row(_FIND, (account, normal_path(path)))
    return _mailbox(row) if row else None


async def get(db: Reader, account: AccountId, mailbox: MailboxId) -> Mailbox:
    """Raises NoSuchMailbox."""
    row = await db.row(_GET, (account, mailbox))
    if row is None:
        raise NoSuchMailbox
    return _mailbox(row)


async def by_role(db: Reader, account: AccountId, role: Role) -> Mailbox | None:
    """The mailbox of a special use."""
    row = await db.row(_BY_ROLE, (account, role.value))
    return _mailbox(row) if row else None


def _mailbox(row: Row) -> Mailbox:
    number, account, parent, path, role, selectable, uid_validity, uid_next, modseq, *counts = row
    name = path.rpartition(DELIMITER)[2]
    return Mailbox(
        id=number,
        account=account,
        parent=parent,
        name=name,
        path=path,
        role=Role(role) if role else None,
        selectable=bool(selectable),
        uid_validity=uid_validity,
        uid_next=uid_next,
        modseq=modseq,
        messages=counts[0],
        unseen=counts[1],
        deleted=counts[2],
        octets=counts[3],
    )


def _place_in_tree(mailbox: Mailbox) -> tuple[bool, list[str]]:
    levels = mailbox.path.split(DELIMITER)
    return levels[0] != INBOX, levels


_COUNT = "SELECT count(*) FROM mailbox WHERE account_id = ?"
_NEW_NUMBERS = """
    UPDATE account SET last_mailbox = last_mailbox + 1,
        last_uid_validity = max(last_uid_validity + 1, ?)
    WHERE account_id = ? RETURNING last_mailbox, last_uid_validity
"""
_INSERT = """
    INSERT INTO mailbox
        (account_id, mailbox_id, parent_id, path, role, uid_validity, modseq, created_modseq)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
"""
_REVIVE = """
    UPDATE mailbox SET mailbox_id = ?1, selectable = 1, uid_validity = ?2, uid_next = 1,
        modseq = ?3, created_modseq = ?3, pruned_modseq = 0, role = ?4, sort_order = NULL
    WHERE account_id = ?5 AND mailbox_id = ?6
"""
_ADOPT = """
    UPDATE mailbox SET parent_id = ?, described_modseq = ? WHERE account_id = ? AND parent_id = ?
"""


async def create(
    tx: Transaction, account: AccountId, path: str, role: Role | None = None
) -> Mailbox:
    """Make a mailbox and the parents that it lacks (RFC 9051 §6.3.4).

    Raises AlreadyExists (also for a role that another mailbox has), BadName, LimitReached.
    """
    path = check_path(path, tx.settings)
    there = await find(tx, account, path)
    if there is not None and there.selectable:
        raise AlreadyExists("There is a mailbox of that name already.")
    if role is not None and await by_role(tx, account, role) is not None:
        raise AlreadyExists("Another mailbox has that special use already.")
    modseq = await next_modseq(tx, account)
    if there is not None:
        await _revive(tx, there, role, modseq)
    else:
        await _create_levels(tx, account, path, role, modseq)
    made = await find(tx, account, path)
    assert made is not None
    return made


async def _revive(tx: Transaction, there: Mailbox, role: Role | None, modseq: ModSeq) -> None:
    """A level becomes a mailbox: a new one, so that nobody takes it for the old (RFC 8474 §4)."""
    account = there.account
    number, uid_validity = await new_numbers(tx, account)
    use = role.value if role else None
    await succeed(tx, account, there.id, number, modseq)
    await tx.run(_REVIVE, (number, uid_validity, modseq, use, account, there.id))


async def _create_levels(
    tx: Transaction, account: AccountId, path: str, role: Role | None, modseq: ModSeq
) -> MailboxId | None:
    """The id of the mailbox at `path`, made with all levels above it."""
    counted = await tx.row(_COUNT, (account,))
    count: int = counted[0] if counted else 0
    parent: MailboxId | None = None
    levels = path.split(DELIMITER)
    for depth in range(1, len(levels) + 1):
        level_path = DELIMITER.join(levels[:depth])
        there = await find(tx, account, level_path)
        if there is not None:
            parent = there.id
            continue
        count += 1
        if count > tx.settings.max_mailboxes:
            raise LimitReached(
                f"An account may have {tx.settings.max_mailboxes} mailboxes; delete some first."
            )
        number, uid_validity = await new_numbers(tx, account)
        own_role = role.value if role and depth == len(levels) else None
        await tx.run(_INSERT, (account, number, parent, level_path, own_role, uid_validity, modseq))
        parent = number
    return parent


async def succeed(
    tx: Transaction, account: AccountId, old: MailboxId, new: MailboxId, modseq: ModSeq
) -> None:
    """A mailbox gets another id: its children follow, and the old id will be gone."""
    await tx.run(_ADOPT, (new, modseq, account, old))
    await tx.run(_GONE, (modseq, tx.now(), account, old))


async def new_numbers(tx: Transaction, account: AccountId) -> tuple[MailboxId, int]:
    """A mailbox id and a UIDVALIDITY that the account never had (RFC 9051 §2.3.1.1)."""
    rows = await tx.run(_NEW_NUMBERS, (tx.now(), account))
    return MailboxId(rows[0][0]), rows[0][1]


_MOVE_SUBTREE = """
    UPDATE mailbox SET path = ? || substr(path, ?), modseq = ?
    WHERE account_id = ? AND path >= ? AND path < ?
"""
_SET_PATH = """
    UPDATE mailbox SET path = ?1, parent_id = ?2, modseq = ?3, described_modseq = ?3
    WHERE account_id = ?4 AND mailbox_id = ?5
"""
_SUBTREE = "SELECT path FROM mailbox WHERE account_id = ? AND path >= ? AND path < ?"


async def rename(tx: Transaction, account: AccountId, old_path: str, new_path: str) -> Mailbox:
    """Move a mailbox and its children to another name (RFC 9051 §6.3.6).

    INBOX stays: its messages go to a new mailbox of that name. Raises NoSuchMailbox,
    AlreadyExists, BadName, NotAllowed, LimitReached. Subscriptions are names and stay.
    """
    old_path = normal_path(old_path)
    new_path = check_path(new_path, tx.settings)
    moved = await find(tx, account, old_path)
    if moved is None:
        raise NoSuchMailbox
    if await find(tx, account, new_path) is not None:
        raise AlreadyExists("There is a mailbox of that name already.")
    if old_path == INBOX:
        return await _rename_inbox(tx, moved, new_path)
    if new_path.startswith(old_path + DELIMITER):
        raise NotAllowed("A mailbox cannot be moved into itself; choose another place.")
    modseq = await next_modseq(tx, account)
    await _check_depth(tx, account, old_path, new_path)
    above = new_path.rpartition(DELIMITER)[0]
    parent = await _create_levels(tx, account, above, None, modseq) if above else None
    await tx.run(_SET_PATH, (new_path, parent, modseq, account, moved.id))
    first, after = _below(old_path)
    await tx.run(_MOVE_SUBTREE, (new_path, len(old_path) + 1, modseq, account, first, after))
    return await get(tx, account, moved.id)


async def _rename_inbox(tx: Transaction, inbox: Mailbox, new_path: str) -> Mailbox:
    from pillarbox.store.sql import moving  # it needs this module

    made = await create(tx, inbox.account, new_path)
    await moving.move_all(tx, inbox.account, inbox.id, made.id)
    return await get(tx, inbox.account, made.id)


async def _check_depth(tx: Transaction, account: AccountId, old: str, new: str) -> None:
    rows = await tx.rows(_SUBTREE, (account, *_below(old)))
    deepest = max((path.count(DELIMITER) for (path,) in rows), default=0)
    if deepest - old.count(DELIMITER) + new.count(DELIMITER) >= tx.settings.max_mailbox_depth:
        raise BadName(f"A mailbox may lie {tx.settings.max_mailbox_depth} levels deep at most.")


def _below(path: str) -> tuple[str, str]:
    """The half-open range of the paths inside a mailbox ("0" follows "/")."""
    return path + DELIMITER, path + chr(ord(DELIMITER) + 1)


_HAS_CHILDREN = "SELECT 1 FROM mailbox WHERE account_id = ? AND parent_id = ? LIMIT 1"


async def has_children(db: Reader, mailbox: Mailbox) -> bool:
    """Whether there are mailboxes inside it."""
    return await db.row(_HAS_CHILDREN, (mailbox.account, mailbox.id)) is not None


_BURY = """
    INSERT INTO expunged
        (account_id, mailbox_id, modseq, uid, message_id, expunged_at, placed_modseq,
        shown_modseq, flags, keywords)
    SELECT account_id, mailbox_id, ?, uid, message_id, ?, placed_modseq, shown_modseq, flags,
        keywords
    FROM placement
    WHERE account_id = ? AND mailbox_id = ?
"""
_EMPTY = "DELETE FROM placement WHERE account_id = ? AND mailbox_id = ?"
_FREE = """
    UPDATE account SET used_octets = used_octets - ?, used_messages = used_messages - ?
    WHERE account_id = ?
"""
_UNSELECT = """
    UPDATE mailbox SET selectable = 0, role = NULL, modseq = ?1, described_modseq = ?1,
        messages = 0, unseen = 0, deleted = 0, octets = 0
    WHERE account_id = ?2 AND mailbox_id = ?3
"""
_DELETE = "DELETE FROM mailbox WHERE account_id = ? AND mailbox_id = ?"
_GONE = """
    INSERT INTO mailbox_gone (account_id, modseq, mailbox_id, gone_at, created_modseq)
    SELECT account_id, ?, mailbox_id, ?, created_modseq FROM mailbox
    WHERE account_id = ? AND mailbox_id = ?
"""


async def delete(tx: Transaction, account: AccountId, path: str) -> None:
    """Delete a mailbox with its messages (RFC 9051 §6.3.5).

    One with children stays as a level that cannot be selected. Raises NoSuchMailbox, NotAllowed
    and, for such a level, MailboxHasChildren.
    """
    doomed = await find(tx, account, path)
    if doomed is None:
        raise NoSuchMailbox
    if doomed.path == INBOX:
        raise NotAllowed("INBOX cannot be deleted; delete the messages in it.")
    is_level = await has_children(tx, doomed)
    if is_level and not doomed.selectable:
        raise MailboxHasChildren
    modseq = await next_modseq(tx, account)
    await tx.run(_BURY, (modseq, tx.now(), account, doomed.id))
    await tx.run(_EMPTY, (account, doomed.id))
    await tx.run(_FREE, (doomed.octets, doomed.messages, account))
    if is_level:
        await tx.run(_UNSELECT, (modseq, account, doomed.id))
    else:
        await tx.run(_GONE, (modseq, tx.now(), account, doomed.id))
        await tx.run(_DELETE, (account, doomed.id))


_SET_ROLE = """
    UPDATE mailbox SET role = ?1, modseq = ?2, described_modseq = ?2
    WHERE account_id = ?3 AND mailbox_id = ?4
"""


async def set_role(
    tx: Transaction, account: AccountId, mailbox: MailboxId, role: Role | None
) -> None:
    """Give or take a special use; raises AlreadyExists when another mailbox has it."""
    there = await get(tx, account, mailbox)
    if there.role is role:
        return
    if Role.INBOX in (there.role, role):
        raise NotAllowed("INBOX keeps its use; give the use to another mailbox.")
    if role is not None and await by_role(tx, account, role) is not None:
        raise AlreadyExists("Another mailbox has that special use already.")
    modseq = await next_modseq(tx, account)
    await tx.run(_SET_ROLE, (role.value if role else None, modseq, account, mailbox))


_SUBSCRIPTIONS = "SELECT path FROM subscription WHERE account_id = ?"
_COUNT_SUBSCRIPTIONS = "SELECT count(*) FROM subscription WHERE account_id = ?"
_SUBSCRIBE = """
    INSERT INTO subscription (account_id, path) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING path
"""
_UNSUBSCRIBE = "DELETE FROM subscription WHERE account_id = ? AND path = ? RETURNING path"
_DESCRIBE = "UPDATE mailbox SET described_modseq = ? WHERE account_id = ? AND path = ?"


async def subscriptions(db: Reader, account: AccountId) -> set[str]:
    """Subscribed names; a mailbox of the name need not exist (RFC 9051 §6.3.7)."""
    return {path for (path,) in await db.rows(_SUBSCRIPTIONS, (account,))}


async def subscribe(tx: Transaction, account: AccountId, path: str) -> None:
    """Idempotent; raises BadName, LimitReached."""
    path = check_path(path, tx.settings)
    counted = await tx.row(_COUNT_SUBSCRIPTIONS, (account,))
    if counted and counted[0] >= tx.settings.max_subscriptions:
        raise LimitReached("The account has too many subscriptions; remove some first.")
    if await tx.run(_SUBSCRIBE, (account, path)):
        await _describe(tx, account, path)


async def unsubscribe(tx: Transaction, account: AccountId, path: str) -> None:
    """Idempotent."""
    path = normal_path(path)
    if await tx.run(_UNSUBSCRIBE, (account, path)):
        await _describe(tx, account, path)


async def _describe(tx: Transaction, account: AccountId, path: str) -> None:
    await tx.run(_DESCRIBE, (await next_modseq(tx, account), account, path))


_SET_SORT_ORDER = """
    UPDATE mailbox SET sort_order = ?, described_modseq = ? WHERE account_id = ? AND mailbox_id = ?
"""


async def set_sort_order(
    tx: Transaction, account: AccountId, mailbox: MailboxId, order: int | None
) -> None:
    """Its place among its siblings (RFC 8621 §2); None: by its use and name."""
    modseq = await next_modseq(tx, account)
    await tx.run(_SET_SORT_ORDER, (order, modseq, account, mailbox))
