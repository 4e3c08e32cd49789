"""EmailSubmission/get and changes (RFC 8621 §7.1, §7.2)."""

from __future__ import annotations

from typing import Any

from pillarbox.ids import ModSeq
from pillarbox.jmap.capabilities import SUBMISSION
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import number_of, state_of, submission_id
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Changes, Get, got, wanted_ids, wanted_properties
from pillarbox.jmap.states import changed
from pillarbox.jmap.submission.record import PROPERTIES, record
from pillarbox.store.database import Reader
from pillarbox.store.sql import submissions
from pillarbox.store.sql.changes import account_modseq
from pillarbox.store.sql.sending_gone import record_changes
from pillarbox.store.sql.submissions import SubmissionRow


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """The records asked for, or all of the last weeks."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, PROPERTIES)
    most = ctx.services.settings.max_objects_in_get

    async def look(db: Reader) -> tuple[ModSeq, list[SubmissionRow]]:
        modseq = await account_modseq(db, ctx.account)
        if ids is not None:
            numbers = [number_of("S", ctx.real_id(one)) for one in ids]
        else:
            numbers = [row.id for row in await submissions.all_of(db, ctx.account)]
            if len(numbers) > most:
                raise MethodRefused("requestTooLarge", "There are more than maxObjectsInGet.")
        return modseq, await submissions.some_of(db, ctx.account, numbers)

    modseq, rows = await ctx.store.scan(look)
    there = {submission_id(row.id): row for row in rows}
    asked = list(there) if ids is None else [ctx.real_id(one) or one for one in ids]
    records = [
        {name: value for name, value in record(there[one]).items() if name in wanted}
        for one in asked
        if one in there
    ]
    return got(arguments, state_of(modseq), records, [one for one in asked if one not in there])


async def run_changes(ctx: Context, arguments: Changes) -> Answer:
    """What was sent, moved on in the queue, was taken back or forgotten."""

    async def changes(db: Reader, *rest: Any) -> Any:
        account, since, limit = rest
        return await record_changes(db, account, "submission", since, limit)

    return await changed(ctx, arguments, changes, submission_id)


METHODS = (
    Method("EmailSubmission/get", SUBMISSION, Get, run_get),
    Method("EmailSubmission/changes", SUBMISSION, Changes, run_changes),
)
