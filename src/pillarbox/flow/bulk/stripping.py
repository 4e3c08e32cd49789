"""Messages without their files: another one in the place of each, and back.

A message is never changed. The new octets are made before the transaction, some messages at a
time; in it each place of the old one becomes a place of the new. The old one is kept for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from pillarbox.errors import Damaged
from pillarbox.flow.bulk.refusals import CHANGED, FAULT, FULL, GONE
from pillarbox.flow.bulk.room import Room
from pillarbox.flow.delivery.keep import Sealed, seal
from pillarbox.ids import AccountId, BulkId, MailboxId, MessageId, Uid
from pillarbox.message.part import Part
from pillarbox.message.without_files import without_files
from pillarbox.store import Store
from pillarbox.store.database import Transaction
from pillarbox.store.model import Flag, MessageRow
from pillarbox.store.sql import bulk_former, bulk_made, messages
from pillarbox.store.sql.bulk_lease import Step
from pillarbox.store.sql.email_places import Place, places_of
from pillarbox.store.sql.expunging import expunge
from pillarbox.store.sql.placing import NewPlace, kept, place_again

MOST_MESSAGES = 20  # in a step: each is read and scanned
MOST_OCTETS = 32 << 20  # of them together, unless one alone has more
_decode = msgspec.msgpack.Decoder(Part).decode


class Stripped(msgspec.Struct, frozen=True):
    """What is needed to make the new message; `sealed` is None where there is nothing to remove."""

    row: MessageRow
    sealed: Sealed | None


Prepared = dict[MessageId, Stripped | None]  # None: it cannot be read


async def prepare(store: Store, account: AccountId, wanted: Sequence[MessageId]) -> Prepared:
    """The first of them, as many as a step does; one that is gone is left out."""
    first = wanted[:MOST_MESSAGES]
    rows = await store.read(lambda db: messages.get_many(db, account, list(first)))
    day = store.clock.now().strftime("%Y-%m-%d")
    made: Prepared = {}
    octets = 0
    for message in first:
        row = rows.get(message)
        if row is None:
            continue
        octets += row.size
        if made and octets > MOST_OCTETS:
            break
        try:
            made[message] = Stripped(row, await _without(store, row, day))
        except Damaged:
            made[message] = None
    return made


async def _without(store: Store, row: MessageRow, day: str) -> Sealed | None:
    root = _decode(row.structure)
    if not row.has_attachment and root.type in ("text", "multipart"):
        return None
    whole = await store.content(row).read(len(row.trace), row.size)
    octets = await asyncio.to_thread(without_files, whole, root, day)
    if octets is None:
        return None
    with store.spool(len(octets)) as spool:
        spool.write(octets)
        return await seal(spool)


async def strip_step(
    tx: Transaction,
    account: AccountId,
    number: BulkId,
    wanted: Sequence[MessageId],
    prepared: Mapping[MessageId, Stripped | None],
) -> Step:
    """`wanted`: the next messages of the operation, of which those in front were prepared."""
    last = next((n for n in reversed(range(len(wanted))) if wanted[n] in prepared), len(wanted) - 1)
    now = wanted[: last + 1]
    there = await places_of(tx, account, now, hidden=True)
    failed: dict[MessageId, str] = {}
    made: dict[MessageId, MessageId] = {}
    for message in now:
        places = there.get(message, [])
        if message not in prepared or all(place.flags & Flag.DELETED for place in places):
            failed[message] = GONE
            continue
        stripped = prepared[message]
        if stripped is None:
            failed[message] = FAULT
        elif stripped.sealed is not None:
            await bulk_former.note(tx, account, number, [message])
            made[message] = await _replace(tx, account, stripped.row, stripped.sealed, places)
    await bulk_made.note(tx, account, number, made)
    return Step(len(now), len(now) - len(failed), failed)


async def _replace(
    tx: Transaction, account: AccountId, row: MessageRow, sealed: Sealed, places: list[Place]
) -> MessageId:
    first, *others = places
    appended = await messages.append(
        tx,
        messages.NewMessage(
            account=account,
            mailbox=first.mailbox,
            blob=sealed.blob,
            digest=sealed.digest,
            trace=row.trace,
            flags=first.flags,
            keywords=first.keywords,
            received_at=row.received_at,
            check_quota=False,
        ),
    )
    await _place(tx, account, appended.message, others)
    await _remove(tx, account, places)
    return appended.message


async def restore_step(
    tx: Transaction, account: AccountId, undone: BulkId, wanted: Sequence[MessageId]
) -> Step:
    """The whole messages are where those without files are now, with the flags of these."""
    made = await bulk_made.made_of(tx, account, undone, wanted)
    there = await places_of(tx, account, list(made.values()), hidden=True)
    sizes = await kept(tx, account, wanted)
    room = await Room.of(tx, account)
    failed: dict[MessageId, str] = {}
    for message in wanted:
        places = there.get(made.get(message, MessageId(0)), [])
        if not places:
            failed[message] = CHANGED
        elif message not in sizes:
            failed[message] = GONE
        elif not room.take(len(places) * sizes[message] - sum(one.size for one in places), 0):
            failed[message] = FULL
        else:
            await _place(tx, account, message, places)
            await _remove(tx, account, places)
    return Step(len(wanted), len(wanted) - len(failed), failed)


async def _place(
    tx: Transaction, account: AccountId, message: MessageId, places: Sequence[Place]
) -> None:
    for one in places:
        new = NewPlace(message, one.flags, one.keywords)
        await place_again(tx, account, one.mailbox, [new])


async def _remove(tx: Transaction, account: AccountId, places: Sequence[Place]) -> None:
    uids: dict[MailboxId, list[Uid]] = {}
    for one in places:
        uids.setdefault(one.mailbox, []).append(one.uid)
    for mailbox, of_mailbox in uids.items():
        await expunge(tx, account, mailbox, of_mailbox, force=True)
