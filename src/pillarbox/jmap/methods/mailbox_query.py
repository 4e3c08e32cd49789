"""Mailbox/query and Mailbox/queryChanges (RFC 8621 §2.3, §2.4)."""

from __future__ import annotations

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import MailboxId
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import mailbox_id, state_of
from pillarbox.jmap.mailbox_filter import Filter, comparators, found
from pillarbox.jmap.mailbox_view import Tree, read_tree, tree_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Query, QueryChanges, window
from pillarbox.jmap.states import cannot_calculate, point_of
from pillarbox.store.database import Reader
from pillarbox.store.sql.mailbox_changes import MailboxChanges, mailbox_changes

MOST_KNOWN = 100_000  # mailboxes that changed: more than an account may have


class MailboxQuery(Query, frozen=True, kw_only=True):
    """With what is special for a tree."""

    sort_as_tree: bool = False
    filter_as_tree: bool = False


class MailboxQueryChanges(QueryChanges, frozen=True, kw_only=True):
    """The same."""

    sort_as_tree: bool = False
    filter_as_tree: bool = False


def _results(ctx: Context, tree: Tree, given: MailboxQuery | MailboxQueryChanges) -> list[str]:
    """Raises MethodRefused."""
    numbers = found(
        tree,
        Filter(tree, given.filter, ctx.real_id),
        comparators(tree, given.sort),
        sort_as_tree=given.sort_as_tree,
        filter_as_tree=given.filter_as_tree,
    )
    return [mailbox_id(number) for number in numbers]


async def run_query(ctx: Context, arguments: MailboxQuery) -> Answer:
    """Mailbox/query."""
    tree = await tree_of(ctx)
    ids = _results(ctx, tree, arguments)
    return window(arguments, ids, state_of(tree.modseq), can_calculate=True)


async def run_query_changes(ctx: Context, arguments: MailboxQueryChanges) -> Answer:
    """Mailbox/queryChanges; what is inside a changed mailbox may move with it in a tree."""
    since = point_of(arguments.since_query_state)

    async def look(db: Reader) -> tuple[Tree, MailboxChanges]:
        tree = await read_tree(db, ctx)
        return tree, await mailbox_changes(db, ctx.account, since, MOST_KNOWN)

    try:
        tree, told = await ctx.store.scan(look)
    except CannotCalculateChanges as error:
        raise cannot_calculate() from error
    ids = _results(ctx, tree, arguments)
    changed: set[MailboxId] = {
        MailboxId(number) for number in (*told.changes.created, *told.described)
    }
    destroyed = [mailbox_id(MailboxId(number)) for number in told.changes.destroyed]
    if (changed or destroyed) and (arguments.sort_as_tree or arguments.filter_as_tree):
        changed = {mailbox.id for mailbox in tree.mailboxes}
    created = set(told.changes.created)
    again = {mailbox_id(number) for number in changed}
    removed = [mailbox_id(number) for number in sorted(changed - created)] + destroyed
    added = [{"id": one, "index": index} for index, one in enumerate(ids) if one in again]
    if arguments.max_changes is not None and len(removed) + len(added) > arguments.max_changes:
        raise MethodRefused("tooManyChanges")
    answer: Answer = {
        "accountId": arguments.account_id,
        "oldQueryState": arguments.since_query_state,
        "newQueryState": state_of(tree.modseq),
        "removed": removed,
        "added": added,
    }
    return {**answer, "total": len(ids)} if arguments.calculate_total else answer


METHODS = (
    Method("Mailbox/query", MAIL, MailboxQuery, run_query),
    Method("Mailbox/queryChanges", MAIL, MailboxQueryChanges, run_query_changes),
)
