"""SORT and UID SORT (RFC 5256), with result options (ESORT, RFC 5267 §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pillarbox.errors import PillarboxError
from pillarbox.ids import Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks
from pillarbox.imap.server.commands.search import Found, Program, find, forget_saved, parse_program
from pillarbox.imap.server.commands.search_results import Form, Returns, parse_returns, tell
from pillarbox.imap.server.commands.sort_order import KEYS, SortBy, in_order
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import Reader as StoreReader
from pillarbox.store.query import SortRow
from pillarbox.store.sql import messages


@dataclass(frozen=True, slots=True)
class Sort:
    """A whole command."""

    uid: bool
    returns: Returns | None
    criteria: tuple[SortBy, ...]
    program: Program


def parse_sort(reader: Reader, hooks: Hooks) -> Sort:
    return _parse(reader, hooks, uid=False)


def parse_uid_sort(reader: Reader, hooks: Hooks) -> Sort:
    return _parse(reader, hooks, uid=True)


def _parse(reader: Reader, hooks: Hooks, *, uid: bool) -> Sort:
    returns = parse_returns(reader, hooks)
    criteria = _criteria(reader, hooks.limits.max_sort_criteria)
    reader.space()
    charset = reader.astring()
    reader.space()
    return Sort(uid, returns, criteria, parse_program(reader, hooks, charset))


def _criteria(reader: Reader, most: int) -> tuple[SortBy, ...]:
    reader.expect(b"(")
    criteria: list[SortBy] = []
    while True:
        name = reader.word()
        reverse = name == "REVERSE"
        if reverse:
            reader.space()
            name = reader.word()
        if len(criteria) >= most:
            raise BadSyntax(f"SORT takes {most} criteria at most.")
        if name not in KEYS:
            raise BadSyntax(f"Nothing can be sorted by {name[:40]} here.")
        criteria.append(SortBy(name, reverse))
        if reader.take(b")"):
            return tuple(criteria)
        reader.space()


async def run(sort: Sort, ctx: Context) -> Done:
    """Search, sort and tell the result."""
    form = Form("SORT", sort.uid, sort.returns, sort.program.uses_modseq)
    try:
        found = await find(ctx, sort.program)
        tell(ctx, form, found.uids, await _ordered(ctx, sort, found))
    except BadSyntax:
        raise
    except (PillarboxError, No):
        forget_saved(ctx, sort.returns)
        raise
    return Done("done")


async def _ordered(ctx: Context, sort: Sort, found: Found) -> Sequence[int]:
    if not found.indexes:
        return found.indexes
    account, mailbox = ctx.account, ctx.selected.mailbox.id
    places = {Uid(found.uids[at]): at for at in found.indexes}

    async def ask(reader: StoreReader) -> list[SortRow]:
        rows = await messages.sort_rows(reader, account, mailbox, list(places))
        rows.sort(key=lambda row: row.uid)
        return in_order(rows, sort.criteria)

    return [places[row.uid] for row in await ctx.store.scan(ask)]


COMMANDS = (
    CommandSpec("SORT", SELECTED, parse_sort, run, uses_seqnums=True),
    # Its keys may be sequence numbers, and then nothing may go meanwhile (RFC 7162 §3.2.10.2).
    CommandSpec("UID SORT", SELECTED, parse_uid_sort, run, uses_seqnums=True),
)
