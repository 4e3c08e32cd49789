"""DeletedEmail/query and get, a capability of ours: what was destroyed and can be restored.

It is restored by a BulkOperation whose action is `{"type": "restore"}`.
"""

from __future__ import annotations

from typing import Any

from pillarbox.flow.bulk.orders import FOREVER
from pillarbox.ids import MessageId
from pillarbox.jmap.bulk_order import read_deleted
from pillarbox.jmap.capabilities import RECOVERY
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.email.envelope import EnvelopeFields
from pillarbox.jmap.email.forms import date_json
from pillarbox.jmap.errors import MethodRefused, RecordRefused
from pillarbox.jmap.ids import email_id, mailbox_id, number_of, state_of
from pillarbox.jmap.method import Answer, Capability, Method
from pillarbox.jmap.standard import (
    Get,
    Query,
    got,
    wanted_ids,
    wanted_properties,
    window,
)
from pillarbox.store.database import Reader
from pillarbox.store.sql.changes import account_modseq
from pillarbox.store.sql.deleted import DeletedRow, deleted, deleted_rows

PROPERTIES = (
    "id",
    "subject",
    "from",
    "to",
    "preview",
    "receivedAt",
    "destroyedAt",
    "restorableUntil",
    "size",
    "mailboxIds",
)
_DAY = 86_400


async def run_query(ctx: Context, arguments: Query) -> Answer:
    """DeletedEmail/query: what was destroyed last comes first."""
    if arguments.sort:
        raise MethodRefused("unsupportedSort", "What was destroyed last comes first.")
    try:
        asked = read_deleted(arguments.filter or {})
    except RecordRefused as refused:
        raise MethodRefused("unsupportedFilter", str(refused)) from refused

    async def read(db: Reader) -> tuple[str, list[str]]:
        state = state_of(await account_modseq(db, ctx.account))
        found = await deleted(db, ctx.account, asked.after, asked.before, asked.folded)
        return state, [email_id(message) for message, _ in found]

    state, ids = await ctx.store.scan(read)
    return window(arguments, ids, state, can_calculate=False)


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """DeletedEmail/get; without ids, the ones that were destroyed last."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, PROPERTIES)

    async def read(db: Reader) -> tuple[str, list[str], dict[MessageId, DeletedRow]]:
        state = state_of(await account_modseq(db, ctx.account))
        if ids is None:
            found = await deleted(db, ctx.account, 0, FOREVER)
            most = ctx.services.settings.max_objects_in_get
            asked = [email_id(message) for message, _ in found[:most]]
        else:
            asked = ids
        numbers = [MessageId(number_of("M", one)) for one in asked]
        return state, asked, await deleted_rows(db, ctx.account, numbers)

    state, asked, there = await ctx.store.scan(read)
    days = ctx.store.settings.retention_days
    records = {email_id(number): _record(row, days) for number, row in there.items()}
    shown = [
        {name: value for name, value in records[one].items() if name in wanted}
        for one in asked
        if one in records
    ]
    return got(arguments, state, shown, [one for one in asked if one not in records])


def _record(row: DeletedRow, days: int) -> dict[str, Any]:
    fields = EnvelopeFields(row.envelope)
    last = row.graves[-1]
    former = {one.mailbox for one in row.graves if one.modseq == last.modseq}
    return {
        "id": email_id(row.id),
        "subject": fields.subject,
        "from": fields.from_,
        "to": fields.to,
        "preview": row.preview,
        "receivedAt": date_json(row.received_at),
        "destroyedAt": date_json(last.expunged_at),
        "restorableUntil": date_json(last.expunged_at + days * _DAY),
        "size": row.size,
        "mailboxIds": {mailbox_id(mailbox): True for mailbox in sorted(former)},
    }


def _nothing(_services: Services) -> Answer:
    return {}


def _days(services: Services) -> Answer:
    return {"retentionDays": services.store.settings.retention_days}


CAPABILITY = Capability(
    RECOVERY,
    _nothing,
    _days,
    (
        Method("DeletedEmail/query", RECOVERY, Query, run_query),
        Method("DeletedEmail/get", RECOVERY, Get, run_get),
    ),
)
