"""/get and /set of types that have one record for each account (RFC 8621 §8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pillarbox.errors import PillarboxError
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused, RecordRefused
from pillarbox.jmap.ids import state_of
from pillarbox.jmap.method import Answer
from pillarbox.jmap.own_writes import OwnWrites
from pillarbox.jmap.standard import Get, Set, SetResult, check_set, got, wanted_ids
from pillarbox.jmap.standard import wanted_properties as wanted
from pillarbox.store.sql import changes

SINGLETON = "singleton"
Update = Callable[[OwnWrites, dict[str, Any]], Awaitable[Answer | None]]


async def get_singleton(
    ctx: Context,
    arguments: Get,
    properties: Sequence[str],
    read: Callable[[], Awaitable[Answer]],
) -> Answer:
    """The whole answer of a /get."""
    ids = wanted_ids(ctx, arguments)
    names = wanted(arguments, properties)
    modseq = await ctx.store.read(lambda db: changes.account_modseq(db, ctx.account))
    records = []
    if ids is None or SINGLETON in ids:
        records = [{name: value for name, value in (await read()).items() if name in names}]
    missing = [one for one in ids or () if one != SINGLETON]
    return got(arguments, state_of(modseq), records, missing)


async def set_singleton(ctx: Context, arguments: Set, update: Update) -> Answer:
    """The whole answer of a /set: the record is changed, never made or destroyed.

    `update` may return properties that became something else than was asked for.
    """
    old = await ctx.store.read(lambda db: changes.account_modseq(db, ctx.account))
    check_set(ctx, arguments, state_of(old))
    writes = OwnWrites(ctx.store, ctx.account, old, arguments.if_in_state)
    result = SetResult()
    always = RecordRefused("singleton", "There is one for each account, always.")
    for name in arguments.create or {}:
        result.not_created[name] = always.answer
    for number in arguments.destroy or ():
        result.not_destroyed[number] = always.answer
    for number, patch in (arguments.update or {}).items():
        if number != SINGLETON:
            result.not_updated[number] = RecordRefused("notFound").answer
            continue
        try:
            result.updated[number] = await update(writes, patch)
        except MethodRefused:
            raise
        except RecordRefused as error:
            result.not_updated[number] = error.answer
        except PillarboxError as error:
            result.not_updated[number] = RecordRefused("forbidden", str(error)).answer
    return result.answer(arguments, state_of(old), writes.new_state)
