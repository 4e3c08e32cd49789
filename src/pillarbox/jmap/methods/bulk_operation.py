"""BulkOperation/get, set, changes and query: a capability of ours.

An operation is asked for once and done by the server: `{"filter": …, "action": {"type": "move",
"toMailboxId": …}}`. It can be watched, stopped, gone on with and undone.
"""

from __future__ import annotations

from typing import Any

from pillarbox.clock import unix_seconds
from pillarbox.errors import NoSuchMailbox, NotAllowed, PillarboxError
from pillarbox.flow.bulk import orders
from pillarbox.ids import BulkId
from pillarbox.jmap import bulk_view
from pillarbox.jmap.bulk_order import read_order
from pillarbox.jmap.capabilities import BULK
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.errors import (
    MethodRefused,
    RecordRefused,
    invalid_arguments,
    invalid_properties,
)
from pillarbox.jmap.ids import bulk_id, number_of, state_of
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.standard import (
    Changes,
    Get,
    Query,
    Set,
    SetResult,
    check_set,
    got,
    wanted_ids,
    wanted_properties,
    window,
)
from pillarbox.jmap.states import changed
from pillarbox.store.database import Reader
from pillarbox.store.sql import bulk
from pillarbox.store.sql.bulk import BulkRow
from pillarbox.store.sql.changes import account_modseq


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """BulkOperation/get; all that are known, the latest first, where no ids are named."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, bulk_view.PROPERTIES)
    most = ctx.services.settings.max_objects_in_get
    now = unix_seconds(ctx.services.clock.now())

    async def read(db: Reader) -> tuple[str, list[Answer]]:
        state = state_of(await account_modseq(db, ctx.account))
        if ids is None:
            rows = (await bulk.every(db, ctx.account))[:most]
        else:
            numbers = [number_of("O", one) for one in ids]
            there = await bulk.some(db, ctx.account, numbers)
            rows = [there[number] for number in numbers if number in there]
        return state, await bulk_view.records(db, rows, now)

    state, records = await ctx.store.read(read)
    found = {one["id"] for one in records}
    shown = [{name: one[name] for name in one if name in wanted} for one in records]
    return got(arguments, state, shown, [one for one in ids or () if one not in found])


async def run_changes(ctx: Context, arguments: Changes) -> Answer:
    """BulkOperation/changes."""
    return await changed(ctx, arguments, bulk.bulk_changes, lambda one: bulk_id(BulkId(one)))


async def run_set(ctx: Context, arguments: Set) -> Answer:
    """BulkOperation/set; an operation is not destroyed, it is forgotten in time."""
    before = await _state(ctx)
    check_set(ctx, arguments, before)
    result = SetResult()
    for name, given in (arguments.create or {}).items():
        try:
            row = await _create(ctx, given)
        except PillarboxError as error:
            result.not_created[name] = _refusal(error).answer
        else:
            ctx.created_ids[name] = bulk_id(row.id)
            result.created[name] = await _shown(ctx, row)
    for given_id, patch in (arguments.update or {}).items():
        real = ctx.real_id(given_id) or given_id
        try:
            result.updated[real] = await _update(ctx, BulkId(number_of("O", real)), patch)
        except PillarboxError as error:
            result.not_updated[real] = _refusal(error).answer
    for given_id in arguments.destroy or ():
        refused = RecordRefused("forbidden", "An operation is forgotten when its time is over.")
        result.not_destroyed[given_id] = refused.answer
    return result.answer(arguments, before, await _state(ctx))


async def _state(ctx: Context) -> str:
    return state_of(await ctx.store.read(lambda db: account_modseq(db, ctx.account)))


async def _create(ctx: Context, given: dict[str, Any]) -> BulkRow:
    return await orders.begin(ctx.store, read_order(ctx, given))


async def _shown(ctx: Context, row: BulkRow) -> Answer:
    now = unix_seconds(ctx.services.clock.now())
    (told,) = await ctx.store.read(lambda db: bulk_view.records(db, [row], now))
    return told


async def _update(ctx: Context, number: BulkId, patch: dict[str, Any]) -> Answer:
    """What differs from what the client asked for."""
    store, account = ctx.store, ctx.account
    match patch:
        case {"undo": True} if len(patch) == 1:
            undo = await orders.undo(store, account, number, _initiated(ctx))
            return {"undoneBy": bulk_id(undo.id), "undoUntil": None}
        case {"status": "cancelling" | "cancelled"} if len(patch) == 1:
            row = await store.write(lambda tx: bulk.cancel(tx, account, number))
        case {"status": "running" | "queued"} if len(patch) == 1:
            row = await store.write(lambda tx: bulk.go_on(tx, account, number))
        case _:
            raise invalid_properties(
                'An operation is stopped by {"status": "cancelling"}, gone on with by '
                '{"status": "running"} and undone by {"undo": true}.',
                *patch,
            )
    shown = await _shown(ctx, row)
    names = ("status", "done", "failed", "finishedAt", "cancellable", "undoUntil")
    return {name: shown[name] for name in names}


def _initiated(ctx: Context) -> str:
    return '{"client": null, "sessionId": "' + ctx.identity.credential + '"}'


def _refusal(error: PillarboxError) -> RecordRefused:
    """What of the errors below becomes a SetError; raises the others again."""
    match error:
        case RecordRefused():
            return error
        case MethodRefused():
            return RecordRefused("invalidProperties", str(error), properties=["filter"])
        case NoSuchMailbox():
            return invalid_properties("There is no such mailbox.", "action")
        case bulk.NoSuchBulk():
            return RecordRefused("notFound")
        case NotAllowed():
            return RecordRefused("forbidden", str(error))
    raise error


async def run_query(ctx: Context, arguments: Query) -> Answer:
    """BulkOperation/query: the latest first; `filter` may name statuses: {"status": ["running"]}"""
    if arguments.sort:
        raise MethodRefused("unsupportedSort", "The latest come first.")
    given = dict(arguments.filter or {})
    statuses = given.pop("status", None)
    if given:
        raise MethodRefused("unsupportedFilter", f"There is no condition {min(given)[:40]!r}.")
    if statuses is not None and not isinstance(statuses, list):
        raise invalid_arguments("status is a list of statuses.")

    async def read(db: Reader) -> tuple[str, list[BulkRow]]:
        state = state_of(await account_modseq(db, ctx.account))
        return state, await bulk.every(db, ctx.account)

    state, rows = await ctx.store.read(read)
    ids = [bulk_id(row.id) for row in rows if statuses is None or row.status.value in statuses]
    return window(arguments, ids, state, can_calculate=False)


def _nothing(_services: Services) -> Answer:
    return {}


def _limits(services: Services) -> Answer:
    """`discardDays`: how long mail stays in these mailboxes, 0 for ever."""
    settings = services.bulk
    return {
        "maxFailures": bulk_view.MOST_FAILURES,
        "undoDays": settings.undo_days,
        "discardDays": {"trash": settings.trash_days, "junk": settings.junk_days},
    }


CAPABILITY = Capability(
    BULK,
    _nothing,
    _limits,
    (
        Method("BulkOperation/get", BULK, Get, run_get),
        Method("BulkOperation/changes", BULK, Changes, run_changes),
        Method("BulkOperation/set", BULK, Set, run_set),
        Method("BulkOperation/query", BULK, Query, run_query),
    ),
)
