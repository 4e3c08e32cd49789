"""Quota/get, changes, query and queryChanges (RFC 9425): an account has none, one or two."""

from __future__ import annotations

from typing import Any

from pillarbox.errors import CannotCalculateChanges
from pillarbox.jmap.capabilities import MAIL, QUOTA
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.errors import MethodRefused, invalid_arguments
from pillarbox.jmap.ids import state_of
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.standard import (
    Changes,
    Get,
    Query,
    QueryChanges,
    got,
    wanted_ids,
    wanted_properties,
    window,
)
from pillarbox.jmap.states import cannot_calculate, point_of
from pillarbox.store.sql.quota_changes import Usage, usage, used_since

PROPERTIES = (
    "id",
    "resourceType",
    "used",
    "hardLimit",
    "warnLimit",
    "softLimit",
    "scope",
    "name",
    "types",
    "description",
)
OCTETS, MESSAGES = "octets", "messages"  # ids
_WARN_AT = 0.9  # of a limit


def _quotas(ctx: Context, now: Usage) -> list[Answer]:
    """A limit that is not set is no Quota; nor is one of a type that the client does not know."""
    if MAIL not in ctx.using:
        return []
    rows = (
        (OCTETS, now.used_octets, now.quota_octets, "Storage"),
        (MESSAGES, now.used_messages, now.quota_messages, "Messages"),
    )
    return [
        {
            "id": number,
            "resourceType": "octets" if number == OCTETS else "count",
            "used": used,
            "hardLimit": limit,
            "warnLimit": int(limit * _WARN_AT),
            "softLimit": None,
            "scope": "account",
            "name": name,
            "types": ["Email"],
            "description": None,
        }
        for number, used, limit, name in rows
        if limit
    ]


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """Quota/get."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, PROPERTIES)
    now = await ctx.store.read(lambda db: usage(db, ctx.account))
    there = {one["id"]: one for one in _quotas(ctx, now)}
    asked = list(there) if ids is None else ids
    records = [
        {name: value for name, value in there[one].items() if name in wanted}
        for one in asked
        if one in there
    ]
    return got(arguments, state_of(now.modseq), records, [one for one in asked if one not in there])


async def run_changes(ctx: Context, arguments: Changes) -> Answer:
    """Quota/changes: nothing but what is used, or everything."""
    now, changed = await _since(ctx, arguments.since_state)
    ids = [one["id"] for one in _quotas(ctx, now)] if changed else []
    more = arguments.max_changes is not None and len(ids) > arguments.max_changes
    if more:
        raise MethodRefused("cannotCalculateChanges", "There are more than maxChanges.")
    return {
        "accountId": arguments.account_id,
        "oldState": arguments.since_state,
        "newState": state_of(now.modseq),
        "hasMoreChanges": False,
        "created": [],
        "updated": ids,
        "destroyed": [],
        "updatedProperties": ["used"] if ids else None,
    }


async def _since(ctx: Context, state: str) -> tuple[Usage, bool]:
    since = point_of(state)
    try:
        return await ctx.store.read(lambda db: used_since(db, ctx.account, since.floor))
    except CannotCalculateChanges as error:
        raise cannot_calculate() from error


_FILTERS = ("name", "scope", "resourceType", "type")
_SORTS = ("name", "used")


def _found(quotas: list[Answer], arguments: Query | QueryChanges) -> list[str]:
    found = [one for one in quotas if _holds(arguments.filter or {}, one)]
    for comparator in reversed(arguments.sort or ()):
        name = comparator.get("property")
        if name not in _SORTS:
            raise MethodRefused("unsupportedSort", "Quotas are sorted by name and used.")
        found.sort(key=lambda one: one[name], reverse=comparator.get("isAscending") is False)
    return [one["id"] for one in found]


def _holds(given: dict[str, Any], quota: Answer) -> bool:
    for name, value in given.items():
        if name not in _FILTERS:
            raise MethodRefused("unsupportedFilter", f"Quotas have no filter {name!r}.")
        if not isinstance(value, str):
            raise invalid_arguments(f"The filter {name!r} is a string.")
    return all(
        (name == "name" and value.casefold() in quota["name"].casefold())
        or (name == "type" and value in quota["types"])
        or (name in ("scope", "resourceType") and value == quota[name])
        for name, value in given.items()
    )


async def run_query(ctx: Context, arguments: Query) -> Answer:
    """Quota/query."""
    now = await ctx.store.read(lambda db: usage(db, ctx.account))
    ids = _found(_quotas(ctx, now), arguments)
    return window(arguments, ids, state_of(now.modseq), can_calculate=True)


async def run_query_changes(ctx: Context, arguments: QueryChanges) -> Answer:
    """Quota/queryChanges: by `used`, any of them may have moved."""
    now, changed = await _since(ctx, arguments.since_query_state)
    ids = _found(_quotas(ctx, now), arguments)
    moved = ids if changed else []
    if arguments.max_changes is not None and 2 * len(moved) > arguments.max_changes:
        raise MethodRefused("tooManyChanges")
    answer: Answer = {
        "accountId": arguments.account_id,
        "oldQueryState": arguments.since_query_state,
        "newQueryState": state_of(now.modseq),
        "removed": moved,
        "added": [{"id": one, "index": index} for index, one in enumerate(moved)],
    }
    return {**answer, "total": len(ids)} if arguments.calculate_total else answer


def _nothing(_services: Services) -> Answer:
    return {}


CAPABILITY = Capability(
    QUOTA,
    _nothing,
    _nothing,
    (
        Method("Quota/get", QUOTA, Get, run_get),
        Method("Quota/changes", QUOTA, Changes, run_changes),
        Method("Quota/query", QUOTA, Query, run_query),
        Method("Quota/queryChanges", QUOTA, QueryChanges, run_query_changes),
    ),
)
