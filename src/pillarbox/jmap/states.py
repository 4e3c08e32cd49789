"""States as JMAP writes them, and the answer of /changes (RFC 8620 §5.2).

A state is the account's modseq. Between two of them, where one write changed more than an answer
holds, it is "modseq-id": of that write, what has an id up to this one is known.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import AccountId, ModSeq
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.method import Answer
from pillarbox.jmap.standard import MOST_CHANGES, Changes
from pillarbox.store.database import Reader
from pillarbox.store.sql import account_changes
from pillarbox.store.sql.account_changes import Point

_STATE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", re.ASCII)
ChangesFunction = Callable[[Reader, AccountId, Point, int], Awaitable[account_changes.Changes]]


def point_of(state: str) -> Point:
    """The point in the account's history; raises MethodRefused for what is no state of ours."""
    match = _STATE.fullmatch(state)
    if match is None:
        raise MethodRefused("cannotCalculateChanges", "This server gave out no such state.")
    return Point(ModSeq(int(match[1])), int(match[2]) if match[2] else None)


def text_of(point: Point) -> str:
    """A point as a state."""
    return f"{point.modseq}" if point.through is None else f"{point.modseq}-{point.through}"


def most_changes(arguments: Changes) -> int:
    """How many ids the answer may hold."""
    return min(arguments.max_changes or MOST_CHANGES, MOST_CHANGES)


async def changed(
    ctx: Context, arguments: Changes, function: ChangesFunction, id_of: Callable[[Any], str]
) -> Answer:
    """The whole answer of a /changes. Raises MethodRefused."""
    since, limit = point_of(arguments.since_state), most_changes(arguments)
    try:
        changes = await ctx.store.scan(lambda db: function(db, ctx.account, since, limit))
    except CannotCalculateChanges as error:
        raise cannot_calculate() from error
    return changes_answer(arguments, changes, id_of)


def cannot_calculate() -> MethodRefused:
    """For a state that is too old, or was never one."""
    return MethodRefused("cannotCalculateChanges", "Too long ago: what went since is forgotten.")


def changes_answer(
    arguments: Changes, changes: account_changes.Changes, id_of: Callable[[Any], str]
) -> Answer:
    """The answer with ids as JMAP writes them."""
    return {
        "accountId": arguments.account_id,
        "oldState": arguments.since_state,
        "newState": text_of(changes.until),
        "hasMoreChanges": changes.more,
        "created": [id_of(number) for number in changes.created],
        "updated": [id_of(number) for number in changes.updated],
        "destroyed": [id_of(number) for number in changes.destroyed],
    }
