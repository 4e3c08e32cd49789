"""EmailSubmission/query and queryChanges (RFC 8621 §7.3, §7.4)."""

from __future__ import annotations

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import ModSeq
from pillarbox.jmap.capabilities import SUBMISSION
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import state_of, submission_id
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Query, QueryChanges, window
from pillarbox.jmap.states import cannot_calculate, point_of
from pillarbox.jmap.submission.filters import sorted_rows, test_of
from pillarbox.store.database import Reader
from pillarbox.store.sql import submissions
from pillarbox.store.sql.account_changes import Changes
from pillarbox.store.sql.changes import account_modseq
from pillarbox.store.sql.sending_gone import record_changes
from pillarbox.store.sql.submissions import SubmissionRow

_MOST_KNOWN = 1_000_000  # changes since a state: more than a month of anybody's mail


def _ids(ctx: Context, rows: list[SubmissionRow], arguments: Query | QueryChanges) -> list[str]:
    """Raises MethodRefused."""
    holds = test_of(arguments.filter, ctx.real_id)
    found = [row for row in rows if holds(row)]
    return [submission_id(row.id) for row in sorted_rows(found, arguments.sort)]


async def run_query(ctx: Context, arguments: Query) -> Answer:
    """EmailSubmission/query."""

    async def look(db: Reader) -> tuple[ModSeq, list[SubmissionRow]]:
        return await account_modseq(db, ctx.account), await submissions.all_of(db, ctx.account)

    modseq, rows = await ctx.store.scan(look)
    return window(arguments, _ids(ctx, rows, arguments), state_of(modseq), can_calculate=True)


async def run_query_changes(ctx: Context, arguments: QueryChanges) -> Answer:
    """EmailSubmission/queryChanges: what changed may be in the list, or no longer."""
    since = point_of(arguments.since_query_state)

    async def look(db: Reader) -> tuple[Changes, list[SubmissionRow]]:
        told = await record_changes(db, ctx.account, "submission", since, _MOST_KNOWN)
        return told, await submissions.all_of(db, ctx.account)

    try:
        told, rows = await ctx.store.scan(look)
    except CannotCalculateChanges as error:
        raise cannot_calculate() from error
    ids = _ids(ctx, rows, arguments)
    again = {submission_id(number) for number in (*told.created, *told.updated)}
    removed = [submission_id(number) for number in (*told.updated, *told.destroyed)]
    added = [{"id": one, "index": index} for index, one in enumerate(ids) if one in again]
    if arguments.max_changes is not None and len(removed) + len(added) > arguments.max_changes:
        raise MethodRefused("tooManyChanges")
    answer: Answer = {
        "accountId": arguments.account_id,
        "oldQueryState": arguments.since_query_state,
        "newQueryState": state_of(told.until.modseq),
        "removed": removed,
        "added": added,
    }
    return {**answer, "total": len(ids)} if arguments.calculate_total else answer


METHODS = (
    Method("EmailSubmission/query", SUBMISSION, Query, run_query),
    Method("EmailSubmission/queryChanges", SUBMISSION, QueryChanges, run_query_changes),
)
