"""SEARCH and UID SEARCH (RFC 9051 §6.4.4), with the result options of RFC 4731 and RFC 5182."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from pillarbox.errors import PillarboxError
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks
from pillarbox.imap.server.commands.search_keys import Criterion, KeyReader, Scope
from pillarbox.imap.server.commands.search_results import Form, Returns, parse_returns, tell
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.quirks import TAKE_CHARSET_WITH_UTF8
from pillarbox.imap.server.untagged import all_uids, reach
from pillarbox.imap.server.view import EVERYTHING
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader

_SPARSE = 8  # one found of so many is quicker to look for than to come across
_CHARSETS = frozenset({b"UTF-8", b"US-ASCII"})


@dataclass(frozen=True, slots=True)
class Program:
    """Criteria in a charset."""

    criteria: Criterion
    charset: bytes  # b"" where none was named
    uses_modseq: bool


@dataclass(frozen=True, slots=True)
class Search:
    """A whole command."""

    uid: bool
    returns: Returns | None
    program: Program


def parse_search(reader: Reader, hooks: Hooks) -> Search:
    return _parse(reader, hooks, uid=False)


def parse_uid_search(reader: Reader, hooks: Hooks) -> Search:
    return _parse(reader, hooks, uid=True)


def _parse(reader: Reader, hooks: Hooks, *, uid: bool) -> Search:
    returns = parse_returns(reader, hooks)
    charset = b""
    if reader.take_any_case(b"CHARSET "):
        charset = reader.astring()
        reader.space()
    return Search(uid, returns, parse_program(reader, hooks, charset))


def parse_program(reader: Reader, hooks: Hooks, charset: bytes) -> Program:
    """Search criteria whose strings are in `charset`, for SORT and THREAD too."""
    keys = KeyReader(reader, hooks.search_keys, hooks.limits, is_charset_known(charset))
    criteria = keys.program()
    return Program(criteria, charset, keys.uses_modseq)


def is_charset_known(charset: bytes) -> bool:
    return not charset or charset.upper() in _CHARSETS


async def run(search: Search, ctx: Context) -> Done:
    """Search and tell the result."""
    if search.program.charset and "UTF8=ACCEPT" in ctx.enabled and not TAKE_CHARSET_WITH_UTF8:
        raise BadSyntax("No CHARSET goes with UTF8=ACCEPT.")
    form = Form("SEARCH", search.uid, search.returns, search.program.uses_modseq)
    try:
        tell(ctx, form, *await find(ctx, search.program))
    except BadSyntax:
        raise
    except (PillarboxError, No):
        forget_saved(ctx, search.returns)
        raise
    return Done("done")


def forget_saved(ctx: Context, returns: Returns | None) -> None:
    """After NO to a command with SAVE, `$` is empty (RFC 9051 §6.4.4.1)."""
    if returns is not None and returns.save:
        ctx.saved = array("I")


class Found(NamedTuple):
    """A search's result in the mailbox as this client knows it."""

    uids: Sequence[int]  # of all messages, by sequence number
    indexes: Sequence[int]  # of those that match, ascending


async def find(ctx: Context, program: Program) -> Found:
    """The matching messages. Raises No, BadSyntax and the store's."""
    view = ctx.selected
    if not is_charset_known(program.charset):
        raise No("Searching works in UTF-8 and US-ASCII.", codes.BAD_CHARSET)
    if program.uses_modseq:
        ctx.enable_condstore()
        await reach(ctx, EVERYTHING)  # the highest modseq of those found is told
    uids = await all_uids(ctx)  # a result is numbers of messages anywhere in the mailbox
    scope = Scope(uids, ctx.saved, int(ctx.clock.now().timestamp()))
    query = program.criteria(scope)
    found = await ctx.store.search(ctx.account, view.mailbox.id, query)
    return Found(uids, indexes_of(uids, found))


def indexes_of(uids: Sequence[int], found: Sequence[int]) -> Sequence[int]:
    """Where the ascending `found` stand among `uids`; those that are not there are left out.

    The store may know messages that this client was not told of, and not know some that it
    still counts.
    """
    if len(found) * _SPARSE < len(uids):
        return _looked_for(uids, found)
    if len(found) == len(uids) and array("I", found) == uids:
        return range(len(uids))
    return list(compress(range(len(uids)), map(set(found).__contains__, uids)))


def _looked_for(uids: Sequence[int], found: Sequence[int]) -> list[int]:
    """The same for few: each stands no further behind the last one than its UID is above that."""
    indexes: list[int] = []
    at, count = 0, len(uids)
    for uid in found:
        end = at + max(uid - uids[at], 0)
        if end >= count or uids[end] != uid:  # as it is where no UID is missing in between
            end = bisect_left(uids, uid, at, min(end, count))
            if end == count:
                break
        at = end
        if uids[at] == uid:
            indexes.append(at)
    return indexes


COMMANDS = (
    CommandSpec("SEARCH", SELECTED, parse_search, run, uses_seqnums=True),
    # Its keys may be sequence numbers, and then nothing may go meanwhile (RFC 7162 §3.2.10.2).
    CommandSpec("UID SEARCH", SELECTED, parse_uid_search, run, uses_seqnums=True),
)
