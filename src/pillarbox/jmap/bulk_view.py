"""A BulkOperation as JMAP shows it; the type is ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pillarbox.flow.bulk.actions import (
    Action,
    Destroy,
    Move,
    SetKeywords,
    UnsetKeywords,
    parse_action,
    shown,
)
from pillarbox.flow.bulk.refusals import SENTENCES
from pillarbox.ids import BulkId, MailboxId
from pillarbox.jmap.email.forms import date_json
from pillarbox.jmap.ids import bulk_id, email_id, mailbox_id
from pillarbox.jmap.method import Answer
from pillarbox.store.database import Reader
from pillarbox.store.model import FLAG_NAMES
from pillarbox.store.sql import bulk
from pillarbox.store.sql.bulk import BulkRow, BulkStatus, Failure

PROPERTIES = (
    "id",
    "action",
    "status",
    "total",
    "done",
    "failed",
    "failures",
    "description",
    "createdAt",
    "startedAt",
    "finishedAt",
    "etaSeconds",
    "cancellable",
    "undoUntil",
    "undoOf",
    "undoneBy",
    "initiatedBy",
    "summary",
)
MOST_FAILURES = 100
_MAILBOXES = {"to": "toMailboxId", "source": "fromMailboxId", "mailbox": "mailboxId"}


async def records(db: Reader, rows: Sequence[BulkRow], now: int) -> list[Answer]:
    """All properties of each, with the first of its failures."""
    told = []
    for row in rows:
        failures: list[Failure] = []
        if row.failed:
            failures = await bulk.failures(db, row.account, row.id, MOST_FAILURES)
        told.append(record(row, failures, now))
    return told


def record(row: BulkRow, failures: Sequence[Failure], now: int) -> Answer:
    """All properties."""
    action = action_shown(parse_action(row.action))
    is_undo = row.undo_of is not None
    return {
        "id": bulk_id(row.id),
        "action": {"type": "undo"} if is_undo else action,
        "status": row.status.value,
        "total": row.total,
        "done": row.done,
        "failed": row.failed,
        "failures": [_failure(one) for one in failures],
        "description": row.why or None,
        "createdAt": _at(row.created_at),
        "startedAt": _at(row.started_at),
        "finishedAt": _at(row.finished_at),
        "etaSeconds": _eta(row, now),
        "cancellable": row.status in (BulkStatus.QUEUED, BulkStatus.RUNNING),
        "undoUntil": _undo_until(row, now),
        "undoOf": _number(row.undo_of),
        "undoneBy": _number(row.undone_by),
        "initiatedBy": msgspec.json.decode(row.initiated_by),
        "summary": _summary(row, action),
    }


def action_shown(action: Action) -> dict[str, Any]:
    """As a client gave it."""
    fields = shown(action)
    told: dict[str, Any] = {"type": fields["type"]}
    if isinstance(action, SetKeywords | UnsetKeywords):
        system = [name for flag, name in FLAG_NAMES.items() if flag & action.flags]
        names = [*(name.lower().replace("\\", "$") for name in system), *action.names]
        told["keywords"] = dict.fromkeys(names, True)
    if isinstance(action, Move | Destroy) and action.then:
        told["thenDestroyMailboxIds"] = [mailbox_id(one.mailbox) for one in action.then]
    for name, value in fields.items():
        if name in _MAILBOXES:
            told[_MAILBOXES[name]] = mailbox_id(MailboxId(value))
    return told


def _summary(row: BulkRow, action: dict[str, Any]) -> Answer:
    """What a line about it says, without looking at the action."""
    told: Answer = {"type": action["type"], "mailboxId": None, "fromMailboxId": None}
    told["mailboxId"] = action.get("toMailboxId") or action.get("mailboxId")
    if row.within is not None:
        told["fromMailboxId"] = mailbox_id(row.within)
    if "fromMailboxId" in action:
        told["fromMailboxId"] = action["fromMailboxId"]
    if "keywords" in action:
        told["keywords"] = list(action["keywords"])
    return told | {"isUndo": row.undo_of is not None}


def _failure(failure: Failure) -> Answer:
    return {
        "id": email_id(failure.message),
        "type": failure.reason,
        "description": SENTENCES.get(failure.reason),
    }


def _undo_until(row: BulkRow, now: int) -> str | None:
    if row.undone_by is not None or row.undo_until is None or row.undo_until < now:
        return None
    return _at(row.undo_until)


def _eta(row: BulkRow, now: int) -> int | None:
    """By the speed since it was begun or taken up; None: not known, or it does not run."""
    made = row.position - row.resumed_position
    if row.status is not BulkStatus.RUNNING or row.resumed_at is None or made <= 0:
        return None
    seconds = max(now - row.resumed_at, 1)
    return -(-(row.listed - row.position) * seconds // made)


def _number(number: BulkId | None) -> str | None:
    return None if number is None else bulk_id(number)


def _at(seconds: int | None) -> str | None:
    return None if seconds is None else date_json(seconds)
