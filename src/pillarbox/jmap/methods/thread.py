"""Thread/get and Thread/changes (RFC 8621 §3)."""

from __future__ import annotations

from pillarbox.ids import MessageId, ModSeq, ThreadId
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import email_id, number_of, state_of, thread_id
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Changes, Get, got, wanted_ids, wanted_properties
from pillarbox.jmap.states import changed
from pillarbox.store.database import Reader
from pillarbox.store.sql import changes, thread_members
from pillarbox.store.sql.account_changes import thread_changes


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """Thread/get; there are too many threads to ask for all of them."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, ("id", "emailIds"))
    if ids is None:
        raise MethodRefused("requestTooLarge", "Name the threads; all are too many for one answer.")
    numbers = {given: ThreadId(number_of("T", ctx.real_id(given))) for given in ids}

    async def look(db: Reader) -> tuple[ModSeq, dict[ThreadId, list[MessageId]]]:
        modseq = await changes.account_modseq(db, ctx.account)
        return modseq, await thread_members.members(db, ctx.account, list(numbers.values()))

    modseq, members = await ctx.store.read(look)
    records: list[Answer] = []
    missing = [given for given, number in numbers.items() if number not in members]
    for number in dict.fromkeys(numbers.values()):
        if number in members:
            whole = {
                "id": thread_id(number),
                "emailIds": [email_id(message) for message in members[number]],
            }
            records.append({name: value for name, value in whole.items() if name in wanted})
    return got(arguments, state_of(modseq), records, missing)


async def run_changes(ctx: Context, arguments: Changes) -> Answer:
    """Thread/changes."""
    return await changed(ctx, arguments, thread_changes, thread_id)


METHODS = (
    Method("Thread/get", MAIL, Get, run_get),
    Method("Thread/changes", MAIL, Changes, run_changes),
)
