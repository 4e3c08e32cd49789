"""Arguments and answers that /get, /changes, /set, /query and /queryChanges of all types share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused, RecordRefused, invalid_arguments
from pillarbox.jmap.method import Answer, Arguments

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
Int = Annotated[int, msgspec.Meta(ge=-(1 << 53) + 1, le=(1 << 53) - 1)]
MOST_CHANGES = 10_000  # ids in one answer of /changes where the client names no number
MOST_PATCH_LEVELS = 16


class Get(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §5.1."""

    ids: tuple[Id, ...] | None = None
    properties: tuple[str, ...] | None = None


class Changes(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §5.2."""

    since_state: str
    max_changes: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Set(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §5.3."""

    if_in_state: str | None = None
    create: dict[Id, dict[str, Any]] | None = None
    update: dict[Id, dict[str, Any]] | None = None
    destroy: tuple[Id, ...] | None = None


class Query(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §5.5; `filter` is checked by the type."""

    filter: dict[str, Any] | None = None
    sort: tuple[dict[str, Any], ...] | None = None
    position: Int = 0
    anchor: Id | None = None
    anchor_offset: Int = 0
    limit: Count | None = None
    calculate_total: bool = False


class QueryChanges(Arguments, frozen=True, kw_only=True):
    """RFC 8620 §5.6."""

    since_query_state: str
    filter: dict[str, Any] | None = None
    sort: tuple[dict[str, Any], ...] | None = None
    max_changes: Annotated[int, msgspec.Meta(ge=1)] | None = None
    up_to_id: Id | None = None
    calculate_total: bool = False


def wanted_ids(ctx: Context, arguments: Get) -> list[str] | None:
    """Each id once, in order; None: all. Raises requestTooLarge."""
    if arguments.ids is None:
        return None
    ids = list(dict.fromkeys(arguments.ids))
    if len(ids) > ctx.services.settings.max_objects_in_get:
        raise MethodRefused("requestTooLarge", "That are more ids than maxObjectsInGet.")
    return ids


def wanted_properties(arguments: Get, known: Iterable[str]) -> frozenset[str]:
    """The names to answer with, "id" always among them. Raises invalidArguments."""
    every = frozenset(known) | {"id"}
    if arguments.properties is None:
        return every
    unknown = [name for name in arguments.properties if name not in every]
    if unknown:
        raise invalid_arguments(f"There is no property {unknown[0]!r}.")
    return frozenset(arguments.properties) | {"id"}


def got(arguments: Get, state: str, records: Sequence[Answer], missing: Sequence[str]) -> Answer:
    """The answer of a /get."""
    return {
        "accountId": arguments.account_id,
        "state": state,
        "list": list(records),
        "notFound": list(missing),
    }


def window(arguments: Query, ids: Sequence[str], state: str, *, can_calculate: bool) -> Answer:
    """The answer of a /query: the part of `ids` that was asked for. Raises anchorNotFound."""
    position = arguments.position
    if arguments.anchor is not None:
        try:
            position = max(0, ids.index(arguments.anchor) + arguments.anchor_offset)
        except ValueError:
            raise MethodRefused("anchorNotFound") from None
    elif position < 0:
        position = max(0, len(ids) + position)
    end = len(ids) if arguments.limit is None else position + arguments.limit
    answer: Answer = {
        "accountId": arguments.account_id,
        "queryState": state,
        "canCalculateChanges": can_calculate,
        "position": position,
        "ids": list(ids[position:end]),
    }
    if arguments.calculate_total:
        answer["total"] = len(ids)
    return answer


class SetResult:
    """Collects what became of each record of a /set."""

    def __init__(self) -> None:
        self.created: dict[str, Answer] = {}
        self.updated: dict[str, Answer | None] = {}
        self.destroyed: list[str] = []
        self.not_created: dict[str, Answer] = {}
        self.not_updated: dict[str, Answer] = {}
        self.not_destroyed: dict[str, Answer] = {}

    def answer(self, arguments: Set, old_state: str, new_state: str) -> Answer:
        """The answer of a /set; what is empty is null."""
        return {
            "accountId": arguments.account_id,
            "oldState": old_state,
            "newState": new_state,
            "created": self.created or None,
            "updated": self.updated or None,
            "destroyed": self.destroyed or None,
            "notCreated": self.not_created or None,
            "notUpdated": self.not_updated or None,
            "notDestroyed": self.not_destroyed or None,
        }


def check_set(ctx: Context, arguments: Set, state: str) -> None:
    """Before anything is changed. Raises requestTooLarge, stateMismatch."""
    parts = (arguments.create or {}, arguments.update or {}, arguments.destroy or ())
    if sum(map(len, parts)) > ctx.services.settings.max_objects_in_set:
        raise MethodRefused("requestTooLarge", "That are more records than maxObjectsInSet.")
    if arguments.if_in_state is not None and arguments.if_in_state != state:
        raise MethodRefused("stateMismatch")


def check_patch(patch: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """A PatchObject by paths. Raises RecordRefused invalidPatch (RFC 8620 §5.3)."""
    paths = {
        tuple(word.replace("~1", "/").replace("~0", "~") for word in pointer.split("/")): value
        for pointer, value in patch.items()
    }
    for path in paths:
        if len(path) > MOST_PATCH_LEVELS:
            raise RecordRefused("invalidPatch", "The patch goes too deep.")
        if any(path[:level] in paths for level in range(1, len(path))):
            raise RecordRefused("invalidPatch", f"{'/'.join(path)!r} is patched twice.")
    return paths


def apply_patch(record: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A patched copy; null removes. Raises RecordRefused invalidPatch."""
    patched = dict(record)
    for path, value in check_patch(patch).items():
        _apply(patched, path, value)
    return patched


def _apply(parent: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *way, last = path
    for name in way:
        inner = parent.get(name)
        if not isinstance(inner, dict):
            raise RecordRefused("invalidPatch", f"There is nothing inside {name!r} to patch.")
        parent[name] = parent = dict(inner)
    if value is None:
        parent.pop(last, None)
    else:
        parent[last] = value
