"""Identity/get, changes and set (RFC 8621 §6).

There is one for each address that the account may write under; it comes and goes with the address
and keeps what the person wrote into it. Others the person makes. Which addresses there are is
looked up at each call, and only where something differs is it written down.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pillarbox.accounts.sending_addresses import sending_addresses
from pillarbox.errors import LimitReached, NotFound, PillarboxError
from pillarbox.ids import ModSeq
from pillarbox.jmap.capabilities import SUBMISSION
from pillarbox.jmap.context import Context
from pillarbox.jmap.errors import RecordRefused
from pillarbox.jmap.identity_draft import PROPERTIES, read_new, read_update, record
from pillarbox.jmap.ids import identity_id, number_of, state_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.own_writes import OwnWrites
from pillarbox.jmap.standard import (
    Changes,
    Get,
    Set,
    SetResult,
    check_set,
    got,
    wanted_ids,
    wanted_properties,
)
from pillarbox.jmap.states import changed
from pillarbox.store.database import Reader, Transaction
from pillarbox.store.sql import accounts, identities
from pillarbox.store.sql.changes import account_modseq
from pillarbox.store.sql.identities import OWN, IdentityRow, Texts
from pillarbox.store.sql.sending_gone import record_changes

_MOST = 200  # that a person makes


async def _read(ctx: Context) -> tuple[ModSeq, list[IdentityRow]]:
    """The state and all of them, in step with the account's addresses."""
    account = ctx.account

    async def look(db: Reader) -> tuple[ModSeq, list[IdentityRow], list[str]]:
        modseq = await account_modseq(db, account)
        rows = await identities.all_of(db, account)
        return modseq, rows, await sending_addresses(db, account)

    async def keep(tx: Transaction) -> None:
        name = (await accounts.get(tx, account)).name
        wanted = await sending_addresses(tx, account)
        await identities.keep_in_step(tx, account, wanted, name)

    modseq, rows, addresses = await ctx.store.scan(look)
    if not identities.is_in_step(rows, addresses):
        await ctx.store.write(keep)
        modseq, rows, _ = await ctx.store.scan(look)
    return modseq, rows


async def run_get(ctx: Context, arguments: Get) -> Answer:
    """Identity/get."""
    ids = wanted_ids(ctx, arguments)
    wanted = wanted_properties(arguments, PROPERTIES)
    modseq, rows = await _read(ctx)
    there = {identity_id(row.id): row for row in rows}
    asked = list(there) if ids is None else [ctx.real_id(one) or one for one in ids]
    records = [
        {name: value for name, value in record(there[one]).items() if name in wanted}
        for one in asked
        if one in there
    ]
    return got(arguments, state_of(modseq), records, [one for one in asked if one not in there])


async def run_changes(ctx: Context, arguments: Changes) -> Answer:
    """Identity/changes."""
    await _read(ctx)

    async def changes(db: Reader, *rest: Any) -> Any:
        account, since, limit = rest
        return await record_changes(db, account, "identity", since, limit)

    return await changed(ctx, arguments, changes, identity_id)


async def run_set(ctx: Context, arguments: Set) -> Answer:
    """Identity/set."""
    modseq, _ = await _read(ctx)
    check_set(ctx, arguments, state_of(modseq))
    writes = OwnWrites(ctx.store, ctx.account, modseq, arguments.if_in_state)
    result = SetResult()
    for name, given in (arguments.create or {}).items():
        try:
            result.created[name] = await _create(ctx, writes, name, given)
        except PillarboxError as error:
            result.not_created[name] = _refusal(error)
    for given_id, patch in (arguments.update or {}).items():
        real = ctx.real_id(given_id) or given_id
        try:
            if real in (arguments.destroy or ()):
                raise RecordRefused("willDestroy")
            await writes.write(partial(_update, ctx=ctx, given=real, patch=patch))
            result.updated[real] = None
        except PillarboxError as error:
            result.not_updated[given_id] = _refusal(error)
    for given_id in arguments.destroy or ():
        real = ctx.real_id(given_id) or given_id
        try:
            await writes.write(partial(_destroy, ctx=ctx, given=real))
            result.destroyed.append(real)
        except PillarboxError as error:
            result.not_destroyed[given_id] = _refusal(error)
    return result.answer(arguments, state_of(modseq), writes.new_state)


async def _create(ctx: Context, writes: OwnWrites, name: str, given: dict[str, Any]) -> Answer:
    draft = read_new(given)
    if not await _may_use(ctx, draft.email):
        raise RecordRefused("forbiddenFrom", "That is not one of your addresses.")

    async def add(tx: Transaction) -> int:
        own = [one for one in await identities.all_of(tx, ctx.account) if one.kind == OWN]
        if len(own) >= _MOST:
            raise LimitReached(f"There are {_MOST} identities already, as many as there may be.")
        return await identities.add(tx, ctx.account, OWN, draft.email, draft.texts)

    made = IdentityRow(await writes.write(add), OWN, draft.email, draft.texts)
    told = record(made)
    ctx.created_ids[name] = told["id"]
    return told  # all of it: jmapc cannot read a part


async def _may_use(ctx: Context, email: str) -> bool:
    """The rule that mail is held to; "*@domain" is for whom gets all mail of the domain."""
    if email.startswith("*@"):
        _, rows = await _read(ctx)
        return any(row.address == email.lower() for row in rows)
    directory = ctx.services.sending.directory
    return (
        await directory.may_send_as(ctx.account, email)
        or await directory.find_send_as(ctx.account, email) is not None
    )


async def _update(tx: Transaction, *, ctx: Context, given: str, patch: dict[str, Any]) -> None:
    texts: Texts = read_update(record(await _find(tx, ctx, given)), patch)
    await identities.update(tx, ctx.account, number_of("I", given), texts)


async def _destroy(tx: Transaction, *, ctx: Context, given: str) -> None:
    there = await _find(tx, ctx, given)
    if there.kind != OWN:
        raise RecordRefused("forbidden", "It stays as long as you have its address.")
    await identities.remove(tx, ctx.account, there.id)


async def _find(db: Reader, ctx: Context, given: str) -> IdentityRow:
    number = number_of("I", given)
    for row in await identities.all_of(db, ctx.account):
        if row.id == number:
            return row
    raise RecordRefused("notFound")


def _refusal(error: PillarboxError) -> Answer:
    match error:
        case RecordRefused():
            return error.answer
        case LimitReached():
            return {"type": "overQuota", "description": str(error)}
        case NotFound():
            return {"type": "notFound"}
    raise error


METHODS = (
    Method("Identity/get", SUBMISSION, Get, run_get),
    Method("Identity/changes", SUBMISSION, Changes, run_changes),
    Method("Identity/set", SUBMISSION, Set, run_set),
)
