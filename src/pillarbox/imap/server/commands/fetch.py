"""FETCH and UID FETCH (RFC 9051 §6.4.5, §6.4.9; modifiers: RFC 7162 §3.1.4, §3.2.6)."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

from pillarbox.errors import CannotCalculateChanges, PillarboxError
from pillarbox.ids import MessageId, ModSeq, Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done
from pillarbox.imap.server.commands.fetch_content import Burst, Opened
from pillarbox.imap.server.commands.fetch_items import FLAGS, MODSEQ, UID, Batch, FetchItem
from pillarbox.imap.server.commands.fetch_syntax import Fetch, parse_fetch, parse_uid_fetch
from pillarbox.imap.server.context import Context, No, Torn
from pillarbox.imap.server.untagged import indexes_of, keep_up, reach
from pillarbox.imap.server.view import EVERYTHING
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import indexes_within, missing_from, ranges_of
from pillarbox.store import SHORT_WRITE, Reader, Transaction
from pillarbox.store.model import Flag, FlagChange, StoreOutcome
from pillarbox.store.sql import changes, messages

ROWS_AT_ONCE = 500  # messages whose columns are asked for in one statement
FLAGS_AT_ONCE = 2_000  # messages whose answers come from the view alone
SEEN_AT_ONCE = 200  # messages marked in one commit; those not yet sent are unread no more
OPENED_AT_ONCE = 50  # messages whose rows are held while their octets are sent


async def run(fetch: Fetch, ctx: Context) -> Done:
    """Send a FETCH response for each message, in bursts."""
    if "VANISHED" in fetch.modifiers and not ctx.qresync:
        raise BadSyntax("VANISHED needs ENABLE QRESYNC first.")
    view = ctx.selected
    if "CHANGEDSINCE" in fetch.modifiers or any(i.enables_condstore for i in fetch.items):
        ctx.enable_condstore()
    if "VANISHED" in fetch.modifiers:
        await _tell_vanished(fetch, ctx)
    indexes = await indexes_of(ctx, fetch.wanted, by_uid=fetch.uid)
    since = fetch.modifiers.get("CHANGEDSINCE")
    if since is not None:
        modseqs = view.modseqs
        indexes = [at for at in indexes if modseqs[at] > since]
    return await _Fetching(fetch, ctx).send(indexes)


class _Fetching:
    """One FETCH under way."""

    def __init__(self, fetch: Fetch, ctx: Context) -> None:
        self._fetch = fetch
        self._ctx = ctx
        self._burst = Burst(ctx)
        self._names = tuple(
            dict.fromkeys(column for item in fetch.items for column in item.columns)
        )
        self._gone = False  # some messages were expunged behind this session's back
        self._trouble: PillarboxError | No | None = None

    async def send(self, indexes: Sequence[int]) -> Done:
        """All batches; trouble with one message does not keep the others back."""
        if self._fetch.contents:
            for block in _parts(indexes, SEEN_AT_ONCE):
                seen = await self._set_seen(block) if self._fetch.sets_seen else frozenset[int]()
                for part in _parts(block, OPENED_AT_ONCE):
                    await self._send_opened(part, seen)
        else:
            for part in _parts(indexes, ROWS_AT_ONCE if self._names else FLAGS_AT_ONCE):
                await self._send_plain(part)
                await self._burst.pace()
        self._burst.end()
        if self._trouble is not None:
            raise self._trouble
        if self._gone:
            text = "done, without messages that are no longer there"
            return Done(text, codes.EXPUNGE_ISSUED)
        return Done("done")

    async def _send_plain(self, indexes: Sequence[int]) -> None:
        """Responses that need the view and the store's rows only."""
        batch = await self._batch(indexes)
        values = [item.values(batch) for item in self._fetch.items]
        first = batch.picture.below + 1
        lines = [
            b"* %d FETCH (%b)\r\n" % (first + at, b" ".join(row))
            for at, row in zip(batch.indexes, zip(*values, strict=True), strict=True)
        ]
        self._burst.add(b"".join(lines))

    async def _send_opened(self, indexes: Sequence[int], seen: frozenset[int]) -> None:
        """Responses with message octets; the flags of those `seen` were just set."""
        batch, found = await self._opened_batch(indexes)
        picture = batch.picture
        plain = [item.values(batch) for item in self._fetch.items]
        news = [item.values(batch) for item in self._items_of_change()] if seen else []
        for n, at in enumerate(batch.indexes):
            columns = plain + news if picture.uids[at] in seen else plain
            opened = found[MessageId(picture.messages[at])]
            await self._send_one(at, opened, [values[n] for values in columns])

    async def _send_one(self, at: int, opened: Opened, values: list[bytes]) -> None:
        burst = self._burst
        mark = burst.mark()
        number = self._ctx.selected.below + at + 1
        burst.add(b"* %d FETCH (%b" % (number, b" ".join(values)))
        try:
            for n, item in enumerate(self._fetch.contents):
                burst.add(b" " if n or values else b"")
                await opened.write(burst, item)
        except (PillarboxError, No) as error:
            if not burst.take_back(mark):
                raise Torn from error
            self._trouble = self._trouble or error
            return
        burst.add(b")\r\n")
        await burst.pace()

    def _items_of_change(self) -> list[FetchItem]:
        """What is told of a message whose flag was set on the way (RFC 7162 §3.2.4)."""
        wished = [FLAGS, MODSEQ, UID] if self._ctx.condstore else [FLAGS]
        return [item for item in wished if item not in self._fetch.items]

    async def _set_seen(self, indexes: Sequence[int]) -> frozenset[int]:
        """Set the flag where it is not, and return the UIDs that it changed."""
        view = self._ctx.selected
        flags, uids = view.flags, view.uids
        unseen = [Uid(uids[at]) for at in indexes if not flags[at] & Flag.SEEN]
        if view.read_only or not unseen:
            return frozenset()
        account, mailbox = self._ctx.account, view.mailbox.id

        async def change(tx: Transaction) -> StoreOutcome:
            return await messages.store_flags(
                tx, account, mailbox, unseen, FlagChange.ADD, Flag.SEEN, ""
            )

        outcome = await self._ctx.write(change, short=len(unseen) <= SHORT_WRITE)
        view.note(outcome.changed)
        keep_up(self._ctx, view, outcome)
        return frozenset(row.uid for row in outcome.changed)

    async def _opened_batch(self, indexes: Sequence[int]) -> tuple[Batch, dict[MessageId, Opened]]:
        """Columns, rows and where the octets are, by one snapshot."""
        picture, names = self._ctx.selected.picture, self._names
        ids = [MessageId(picture.messages[at]) for at in indexes]
        account, store = self._ctx.account, self._ctx.store
        columns: dict[MessageId, tuple[Any, ...]] = {}
        opened: dict[MessageId, Opened] = {}

        async def ask(reader: Reader) -> None:
            if names:
                columns.update(await messages.columns(reader, account, ids, names))
            rows = await messages.get_many(reader, account, ids)
            contents = store.contents(list(rows.values()))
            for row, content in zip(rows.values(), contents, strict=True):
                opened[row.id] = Opened(row, content)

        await self._ctx.read(ask)
        return self._batch_of(indexes, columns, opened), opened

    async def _batch(self, indexes: Sequence[int]) -> Batch:
        picture, names = self._ctx.selected.picture, self._names
        if not names:
            return Batch(picture, indexes, {}, (), self._ctx.utf8)
        ids = [MessageId(picture.messages[at]) for at in indexes]
        account = self._ctx.account

        async def ask(reader: Reader) -> dict[MessageId, tuple[Any, ...]]:
            return await messages.columns(reader, account, ids, names)

        rows = await self._ctx.read(ask)
        return self._batch_of(indexes, rows, rows)

    def _batch_of(
        self,
        indexes: Sequence[int],
        columns: dict[MessageId, tuple[Any, ...]],
        found: Container[MessageId],
    ) -> Batch:
        """Those of the messages that were found."""
        picture = self._ctx.selected.picture
        here = [at for at in indexes if picture.messages[at] in found]
        self._gone = self._gone or len(here) < len(indexes)
        return Batch(picture, here, columns, self._names, self._ctx.utf8)


def _parts(indexes: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(indexes), size):
        yield indexes[start : start + size]


async def _tell_vanished(fetch: Fetch, ctx: Context) -> None:
    """VANISHED (EARLIER) for those of the asked UIDs that went (RFC 7162 §3.2.6)."""
    view = ctx.selected
    account, mailbox = ctx.account, view.mailbox.id
    since = ModSeq(fetch.modifiers["CHANGEDSINCE"])
    last = max(view.mailbox.uid_next - 1, view.uids[-1] if view.uids else 0)
    ranges = ranges_of(ctx.saved) if fetch.wanted.saved else fetch.wanted.resolve(last)

    async def ask(reader: Reader) -> list[int] | None:
        try:
            gone = (await changes.since(reader, account, mailbox, since)).expunged
        except CannotCalculateChanges:
            return None
        # What this client still counts among its messages is told at the command's end.
        return [r.uid for r in gone if r.modseq <= view.modseq and view.index_of(r.uid) < 0]

    earlier = await ctx.read(ask)
    if earlier is None:  # older than the tombstones: all that is not here
        await reach(ctx, EVERYTHING)
        found = missing_from(view.uids, ranges, last)
    else:
        stretches = indexes_within(earlier, ranges)
        found = ranges_of(earlier[at] for stretch in stretches for at in stretch)
    if found:
        ctx.send(responses.VanishedEarlier(found))


COMMANDS = (
    CommandSpec("FETCH", SELECTED, parse_fetch, run, uses_seqnums=True),
    CommandSpec("UID FETCH", SELECTED, parse_uid_fetch, run),
)
