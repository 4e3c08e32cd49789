"""Email/queryChanges (RFC 8621 §4.5)."""

from __future__ import annotations

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import MessageId
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import email_id, number_of, state_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.methods.email_query import email_query
from pillarbox.jmap.standard import QueryChanges
from pillarbox.jmap.states import cannot_calculate, point_of
from pillarbox.store.search.email_list_changes import difference


class EmailQueryChangesArguments(QueryChanges, frozen=True, kw_only=True):
    """What Email/queryChanges has beyond others."""

    collapse_threads: bool = False


async def run(ctx: Context, arguments: EmailQueryChangesArguments) -> Answer:
    """What to take out of the old list and to put in."""
    query = email_query(ctx, arguments.filter, arguments.sort, arguments.collapse_threads)
    since = point_of(arguments.since_query_state)
    if since.through is not None:
        raise cannot_calculate()  # no state of a list
    upto = number_of("M", arguments.up_to_id) if arguments.up_to_id is not None else None
    lists = ctx.services.email_lists
    known = lists.lately(ctx.account, query)
    try:
        found = await ctx.store.ask_account(
            ctx.account, lambda search: difference(search, query, since.modseq, upto, known)
        )
    except CannotCalculateChanges as error:
        raise cannot_calculate() from error
    lists.keep(ctx.account, query, found.now)
    changes = len(found.removed) + len(found.added)
    if arguments.max_changes is not None and changes > arguments.max_changes:
        raise MethodRefused("tooManyChanges", f"There are {changes}.")
    answer: Answer = {
        "accountId": arguments.account_id,
        "oldQueryState": arguments.since_query_state,
        "newQueryState": state_of(found.now.modseq),
        "removed": [email_id(MessageId(message)) for message in found.removed],
        "added": [{"id": email_id(MessageId(message)), "index": at} for at, message in found.added],
    }
    if arguments.calculate_total:
        answer["total"] = len(found.now.messages)
    return answer


METHODS = (Method("Email/queryChanges", MAIL, EmailQueryChangesArguments, run),)
