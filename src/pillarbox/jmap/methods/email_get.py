"""Email/get (RFC 8621 §4.2): columns for what lists show, octets for what is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pillarbox.errors import Damaged
from pillarbox.ids import MessageId, ModSeq
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.context import Context, Told
from pillarbox.jmap.email.octets import Ahead, Source
from pillarbox.jmap.email.record import Email
from pillarbox.jmap.email.wanted import DEFAULT, BodyArguments, Wanted, check_wanted
from pillarbox.jmap.errors import MethodRefused
from pillarbox.jmap.ids import email_id, message_blob_id, number_of, state_of
from pillarbox.jmap.method import Answer, Method
from pillarbox.jmap.standard import Get, Id, got, wanted_ids
from pillarbox.message.part import Part
from pillarbox.store.blobs.content import Content
from pillarbox.store.database import Reader
from pillarbox.store.model import MessageRow
from pillarbox.store.sql import changes, email_places, messages, placements
from pillarbox.store.sql.email_places import Place
from pillarbox.telemetry.log import get_logger

log = get_logger("jmap")

_OPENED_AT_ONCE = 50  # messages told of before others have their turn
_READ_HERE = 200  # messages whose rows are read on the loop's own thread
_decode_part = msgspec.msgpack.Decoder(Part).decode


class EmailGet(BodyArguments, frozen=True, kw_only=True):
    """A Get and what is to be told of bodies (a msgspec type has one parent with fields)."""

    ids: tuple[Id, ...] | None = None
    properties: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """One snapshot."""

    state: ModSeq
    rows: dict[MessageId, MessageRow]
    places: dict[MessageId, list[Place]]
    contents: dict[MessageId, Content]


class Budget:
    """The octets of text that one call may still tell; all of its answer is in memory."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, told: Answer) -> None:
        """Count a record's texts. Raises requestTooLarge."""
        values = told.get("bodyValues") or {}
        self._left -= sum(len(value["value"]) for value in values.values())
        if self._left < 0:
            raise MethodRefused(
                "requestTooLarge", "That is more text than one answer holds; ask for fewer."
            )


async def run(ctx: Context, arguments: EmailGet) -> Answer:
    """The records of the messages asked for."""
    names = DEFAULT if arguments.properties is None else ("id", *arguments.properties)
    wanted = check_wanted(names, arguments)
    get = Get(account_id=arguments.account_id, ids=arguments.ids)
    given = wanted_ids(ctx, get)
    ids = await _every_id(ctx) if given is None else given
    numbers = [MessageId(number_of("M", ctx.real_id(one))) for one in ids]
    reader = _Reading(ctx, wanted)
    step = _OPENED_AT_ONCE if wanted.reads_octets else max(1, len(ids))
    for start in range(0, max(1, len(ids)), step):
        await reader.read(numbers[start : start + step])
    records = reader.records
    missing = [one for one, number in zip(ids, numbers, strict=True) if number not in records]
    assert reader.state is not None
    return got(get, state_of(reader.state), list(records.values()), missing)


async def _every_id(ctx: Context) -> list[str]:
    most = ctx.services.settings.max_objects_in_get
    found = await ctx.store.scan(lambda db: placements.placed_messages(db, ctx.account, most + 1))
    if len(found) > most:
        raise MethodRefused("requestTooLarge", "There are more messages than maxObjectsInGet.")
    return [email_id(message) for message in found]


class _Reading:
    """The records of one call, some messages at a time."""

    def __init__(self, ctx: Context, wanted: Wanted) -> None:
        self._ctx = ctx
        self._wanted = wanted
        self._most_header = ctx.store.settings.message.max_part_header_octets
        self._budget = Budget(ctx.services.settings.max_text_octets)
        self._may_repeat = not wanted.reads_octets and not wanted.reads_structure
        self.state: ModSeq | None = None  # of the first snapshot: what came since is told again
        self.records: dict[MessageId, Answer] = {}

    async def read(self, numbers: Sequence[MessageId]) -> None:
        store = self._ctx.store
        reading = store.read if len(numbers) <= _READ_HERE else store.scan
        found = await reading(lambda db: self._snapshot(db, numbers))
        if self.state is None:
            self.state = found.state
        known = self._told_at(found.state)
        for at, number in enumerate(numbers, 1):
            if not at % _OPENED_AT_ONCE:
                await self._ctx.services.clock.sleep(0)  # let others have their turn
            row = found.rows.get(number)
            if number in known:
                self.records[number] = known[number]
            elif row is not None and number in found.places and number not in self.records:
                self.records[number] = await self._record(row, found)
        if self._may_repeat:
            self._ctx.told[self._wanted.names] = Told(found.state, known | self.records)

    def _told_at(self, state: ModSeq) -> dict[MessageId, Answer]:
        """What this request told already, and is still so."""
        told = self._ctx.told.get(self._wanted.names) if self._may_repeat else None
        return told.records if told is not None and told.state == state else {}

    async def _snapshot(self, db: Reader, numbers: Sequence[MessageId]) -> _Found:
        account = self._ctx.account
        state = await changes.account_modseq(db, account)
        known = self._told_at(state)
        new = [number for number in numbers if number not in known]
        places = await email_places.places_of(db, account, new)
        rows = await messages.get_many(db, account, list(places))
        contents: dict[MessageId, Content] = {}
        if self._wanted.reads_octets:
            opened = self._ctx.store.contents(list(rows.values()))
            contents = dict(zip(rows, opened, strict=True))
        return _Found(state, rows, places, contents)

    async def _record(self, row: MessageRow, found: _Found) -> Answer:
        email = Email(message_blob_id(row.id), row.envelope, row.size, row.preview)
        email.id, email.thread = row.id, row.thread
        email.places = found.places[row.id]
        email.received_at = row.received_at
        email.has_attachment = row.has_attachment
        if self._wanted.reads_octets or self._wanted.reads_structure or not row.envelope.isascii():
            email.part_tree = _decode_part(row.structure)
        if self._wanted.reads_octets:
            assert email.part_tree is not None
            content = found.contents[row.id]
            try:
                await content.read_ahead()  # of a small message, all that follows
            except Damaged:
                log.warning_event("jmap.unreadable", message=row.id)
            source = Source(Ahead(content), email.part_tree, len(row.trace))
            await email.load(source, self._wanted, self._most_header)
            content.release()
        told = email.answer(self._wanted)
        self._budget.take(told)
        return told


METHODS = (Method("Email/get", MAIL, EmailGet, run),)
