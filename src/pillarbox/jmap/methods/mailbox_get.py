"""Mailbox/get and Mailbox/changes (RFC 8621 §2.1, §2.2)."""

from __future__ import annotations

from collections.abc import Collection

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import MailboxId
from pillarbox.jmap import mailbox_view
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.ids import mailbox_id, number_of, state_of
from pillarbox.jmap.mailbox_view import Tree, read_tree, tree_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Changes, Get, got, wanted_ids, wanted_properties
from pillarbox.jmap.states import cannot_calculate, changes_answer, most_changes, point_of
from pillarbox.store.search.account_wide import AccountSearch
from pillarbox.store.sql import mailbox_counts
from pillarbox.store.sql.mailbox_changes import mailbox_changes
from pillarbox.store.sql.mailbox_counts import Threads

_MANY = 2000  # messages of a mailbox whose threads are not counted from the rows
ThreadsOf = dict[MailboxId, Threads]


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """Mailbox/get; threads are counted only where they are asked for."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, mailbox_view.PROPERTIES)
    threads: ThreadsOf = {}
    if wanted & mailbox_view.THREAD_COUNTS:
        tree, threads = await _with_threads(ctx)
    else:
        tree = await tree_of(ctx)
    by_id = {mailbox.id: mailbox for mailbox in tree.mailboxes}
    if ids is None:
        ids = [mailbox_id(number) for number in by_id]
    records, missing = [], []
    for given in ids:
        mailbox = by_id.get(MailboxId(number_of("F", ctx.real_id(given))))
        if mailbox is None:
            missing.append(given)
        else:
            records.append(mailbox_view.record(tree, mailbox, wanted, threads))
    return got(arguments, state_of(tree.modseq), records, missing)


async def _with_threads(ctx: Context) -> tuple[Tree, ThreadsOf]:
    remembered = ctx.services.thread_counts
    tree = await tree_of(ctx)
    threads = remembered.find(ctx.account, tree.modseq)
    if threads is not None:
        return tree, threads
    tree, counted = await ctx.store.ask_account(ctx.account, lambda search: _count(search, ctx))
    remembered.keep(ctx.account, tree.modseq, counted)
    return tree, counted


async def _count(search: AccountSearch, ctx: Context) -> tuple[Tree, ThreadsOf]:
    tree = await read_tree(search.db, ctx)
    known: dict[MailboxId, int] = {}
    unread: dict[MailboxId, Collection[int]] | None = None
    for mailbox in tree.mailboxes:
        if mailbox.messages > _MANY and (there := await search.arrivals(mailbox.id)) is not None:
            known[mailbox.id] = len(set(there.threads))
    if known and (kept := await search.unread(tree.mailboxes)) is not None:
        unread = {mailbox: threads.values() for mailbox, threads in kept.mailboxes.items()}
    counts = mailbox_counts.threads(search.db, ctx.account, tree.mailboxes, known, unread)
    return tree, await counts


async def run_changes(ctx: Context, arguments: Changes) -> Answer:
    """Mailbox/changes, with what may have changed where it is nothing but counts."""
    since, limit = point_of(arguments.since_state), most_changes(arguments)
    try:
        found = await ctx.store.scan(lambda db: mailbox_changes(db, ctx.account, since, limit))
    except CannotCalculateChanges as error:
        raise cannot_calculate() from error
    answer = changes_answer(arguments, found.changes, mailbox_id)
    counts_only = found.changes.updated and not found.described
    answer["updatedProperties"] = list(mailbox_view.COUNTS) if counts_only else None
    return answer


METHODS = (
    Method("Mailbox/get", MAIL, Get, run_get),
    Method("Mailbox/changes", MAIL, Changes, run_changes),
)
