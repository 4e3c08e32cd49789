"""An operation asked for, steered and waited for; this process does its part of the work."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pillarbox.cli.bulk_filters import FILTERS
from pillarbox.cli.bulk_shown import BulkBar, Listed, print_ended, print_left
from pillarbox.cli.interrupting import until_interrupted
from pillarbox.cli.opened import Opened
from pillarbox.cli.progress_bar import style_for
from pillarbox.errors import BadName, NoSuchMailbox, NotAllowed
from pillarbox.flow.bulk import orders
from pillarbox.flow.bulk.actions import Action, Destroy, Move, Restore, SetKeywords, UnsetKeywords
from pillarbox.flow.bulk.orders import Order, Selection
from pillarbox.ids import AccountId, BulkId, MailboxId
from pillarbox.node.bulk import BulkWork
from pillarbox.store.model import FLAGS_BY_FOLDED_NAME, Mailbox
from pillarbox.store.sql import accounts, bulk, mailboxes
from pillarbox.store.sql.bulk import OPEN, BulkRow
from pillarbox.store.sql.names import normal_path

LOOK_SECONDS = 0.1  # between two looks how far it is
Find = Callable[[str], MailboxId]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `run`, and how the messages are chosen by them."""

    options: argparse.Namespace
    select: Callable[[argparse.Namespace, Find], Selection]


def is_everything(options: argparse.Namespace) -> bool:
    """Whether no filter was given."""
    return all(getattr(options, name) in (None, False) for name in FILTERS)


async def count(opened: Opened, asked: Asked) -> int:
    """How many messages are meant."""
    order = await _order(opened, asked)
    return len(await orders.find(opened.store, order.account, order.selection))


async def ask(opened: Opened, asked: Asked) -> BulkRow:
    """Queue it."""
    return await orders.begin(opened.store, await _order(opened, asked))


async def _order(opened: Opened, asked: Asked) -> Order:
    options = asked.options
    account = await opened.admin.find_account(options.account)
    tree = await opened.store.read(lambda db: mailboxes.tree(db, account.id))

    def find_mailbox(path: str) -> MailboxId:
        return _mailbox(tree, path)

    return Order(
        account=account.id,
        selection=asked.select(options, find_mailbox),
        action=_action(options, find_mailbox),
        initiated_by=_initiated(),
    )


def _mailbox(tree: list[Mailbox], path: str) -> MailboxId:
    wanted = normal_path(path)
    for one in tree:
        if one.path == wanted and one.selectable:
            return one.id
    raise NoSuchMailbox(f"There is no mailbox {path!r}; `pillarbox mailbox list` shows them.")


def _action(options: argparse.Namespace, find_mailbox: Find) -> Action:
    # Copies in other mailboxes stay where they are when a mailbox is named.
    source = find_mailbox(options.in_) if options.in_ is not None else None
    match options.action:
        case "move":
            return Move(find_mailbox(options.to), source)
        case "destroy":
            return Destroy(source)
        case "restore":
            return Restore()
    flags, names = 0, set[str]()
    for keyword in options.keyword:
        folded = keyword.lower()
        flag = FLAGS_BY_FOLDED_NAME.get(folded.replace("$", "\\", 1)) or FLAGS_BY_FOLDED_NAME.get(
            folded
        )
        if flag is not None:
            flags |= flag
        elif folded.isascii() and folded.isprintable() and not set(folded) & set('(){ %*"\\]'):
            names.add(folded)
        else:
            raise BadName(f"{keyword!r} cannot be a keyword.")
    kind = SetKeywords if options.action == "flag" else UnsetKeywords
    return kind(flags, tuple(sorted(names)))


def _initiated() -> str:
    who = "somebody"
    with suppress(OSError, KeyError):
        who = getpass.getuser()
    return json.dumps({"client": f"pillarbox bulk, {who}", "sessionId": f"process {os.getpid()}"})


async def find(opened: Opened, options: argparse.Namespace) -> BulkRow:
    """The operation that `id` and `--account` name. Raises NoSuchBulk, NotAllowed."""
    digits = options.id[1:] if options.id[:1] in "oO" else options.id
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise bulk.NoSuchBulk
    number = BulkId(int(digits))
    if options.account is not None:
        account = await opened.admin.find_account(options.account)
        return await opened.store.read(lambda db: bulk.get(db, account.id, number))
    found = await opened.store.scan(lambda db: bulk.of_any_account(db, number))
    if not found:
        raise bulk.NoSuchBulk
    if len(found) > 1:
        raise NotAllowed("More than one account has an operation of that number; say --account.")
    return found[0]


async def steer(opened: Opened, options: argparse.Namespace) -> BulkRow:
    """`cancel`, `continue`, `undo`; the operation to wait for."""
    row = await find(opened, options)
    store = opened.store
    if options.verb == "undo":
        return await orders.undo(store, row.account, row.id, _initiated())
    change = bulk.cancel if options.verb == "cancel" else bulk.go_on
    return await store.write(lambda tx: change(tx, row.account, row.id))


async def work_at(
    opened: Opened, options: argparse.Namespace, get: Callable[[], Awaitable[BulkRow]]
) -> int:
    """Do or wait for an operation, with a bar; the exit code."""
    row = await get()
    login = await _login(opened, row.account)
    if getattr(options, "detach", False):
        return print_left(options.json, Listed(login, row))
    clock = opened.store.clock
    style = style_for(as_json=options.json, quiet=options.json, stream=sys.stderr)
    bar = BulkBar(style, clock)
    work = BulkWork(opened.store, opened.settings.bulk, clock)
    work.start()
    try:
        ended = await until_interrupted(_ended(opened, row, bar))
    finally:
        bar.clear()
        await work.drain()
    if ended is None:
        row = await opened.store.read(lambda db: bulk.get(db, row.account, row.id))
        return print_left(options.json, Listed(login, row))
    failed = await opened.store.read(lambda db: bulk.failures(db, row.account, row.id, 10))
    return print_ended(options.json, Listed(login, ended), failed)


async def _ended(opened: Opened, row: BulkRow, bar: BulkBar) -> BulkRow:
    while row.status in OPEN:
        bar.show(row)
        await opened.store.clock.sleep(LOOK_SECONDS)
        row = await opened.store.read(partial(bulk.get, account=row.account, number=row.id))
    return row


async def _login(opened: Opened, account: AccountId) -> str:
    return await opened.store.read(lambda db: accounts.find_login(db, account)) or ""
