"""STORE and UID STORE (RFC 9051 §6.4.6, §6.4.9; UNCHANGEDSINCE: RFC 7162 §3.1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pillarbox.ids import ModSeq, Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks, parse_options
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.flag_words import parse_flags
from pillarbox.imap.server.untagged import flags_line, indexes_of, keep_up, learn
from pillarbox.imap.server.view import View
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.codes import Code
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet
from pillarbox.store import SHORT_WRITE
from pillarbox.store import Reader as Db
from pillarbox.store.model import FlagChange, Placed, StoreOutcome
from pillarbox.store.sql import messages

_ANSWERED_AT_ONCE = 5_000  # FETCH responses between two waits for the client
# Messages changed in one commit: all others wait for it. Each message is changed wholly or not.
_CHANGED_AT_ONCE = 10_000
_CHANGES = {"FLAGS": FlagChange.REPLACE, "+FLAGS": FlagChange.ADD, "-FLAGS": FlagChange.REMOVE}


@dataclass(frozen=True, slots=True)
class Store:
    """`modifiers` by name, as their extensions parsed them."""

    wanted: SequenceSet
    uid: bool
    change: FlagChange
    silent: bool
    flags: int
    keywords: str
    modifiers: dict[str, Any] = field(default_factory=dict)


def parse_store(reader: Reader, hooks: Hooks, *, uid: bool) -> Store:
    """`set [SP "(" modifiers ")"] SP item SP flags`; the flags need no parentheses."""
    wanted = reader.sequence_set()
    reader.space()
    modifiers: dict[str, Any] = {}
    if reader.peek(b"("):
        modifiers = parse_options(reader, hooks.store_modifiers, "STORE")
        reader.space()
    item = reader.word()
    silent = item.endswith(".SILENT")
    change = _CHANGES.get(item.removesuffix(".SILENT"))
    if change is None:
        raise BadSyntax("STORE changes FLAGS, +FLAGS or -FLAGS.")
    reader.space()
    if reader.peek(b"("):
        names = reader.flag_list()
    else:
        names = [reader.flag()]
        while reader.take(b" "):
            names.append(reader.flag())
    return Store(wanted, uid, change, silent, *parse_flags(names), modifiers)


async def run_store(command: Store, ctx: Context) -> Done:
    """Change flags and tell them, unless the client wants silence."""
    view = ctx.selected
    if view.read_only:
        raise No("The mailbox was opened read-only.", codes.READ_ONLY)
    since = command.modifiers.get("UNCHANGEDSINCE")
    if since is not None:
        ctx.enable_condstore()
    uids = [Uid(view.uids[at]) for at in await indexes_of(ctx, command.wanted, by_uid=command.uid)]
    if not uids:
        return Done("no such messages")
    outcome = None
    if since is None and _seems_done(command, view, uids):
        outcome = await ctx.read(partial(_ask, command=command, view=view, uids=uids))
    if outcome is None:
        outcome = await _change(command, ctx, view, uids, since)
    if command.silent:
        changed = _foreseen(command, view, outcome.changed)
        view.note(changed)
    else:
        changed = outcome.changed
        view.note(changed)
        view.note(outcome.unmodified)
    await _tell(command, ctx, view, changed, outcome.unmodified)
    if len(changed) == len(outcome.changed):  # the others are left for the end of the command
        keep_up(ctx, view, outcome)
    if outcome.failed:
        failed = outcome.failed
        if not command.uid:
            failed = [Uid(view.below + view.index_of(uid) + 1) for uid in failed]
        return Done("Some messages were changed by others", codes.modified(failed))
    code: Code | None = codes.EXPUNGE_ISSUED if outcome.missing else None
    return Done("done", code)


def _seems_done(command: Store, view: View, uids: list[Uid]) -> bool:
    """Whether, as far as the view knows, the few messages have the flags already."""
    if command.keywords or len(uids) > SHORT_WRITE:
        return False
    for uid in uids:
        flags, keywords = view.flags[view.index_of(uid)], view.keywords.get(uid, "")
        if _after(command, flags, keywords) != (flags, _folded(keywords)):
            return False
    return True


async def _ask(db: Db, command: Store, view: View, uids: list[Uid]) -> StoreOutcome | None:
    """The outcome where nothing is left to write; the store knows what the view may not yet."""
    key = view.mailbox.account, view.mailbox.id
    return await messages.find_unchanged(db, *key, uids, command.change, command.flags)


async def _change(
    command: Store, ctx: Context, view: View, uids: list[Uid], since: int | None
) -> StoreOutcome:
    change = partial(
        messages.store_flags,
        account=view.mailbox.account,
        mailbox=view.mailbox.id,
        change=command.change,
        flags=command.flags,
        keywords=command.keywords,
        unchanged_since=None if since is None else ModSeq(since),
    )
    if len(uids) <= _CHANGED_AT_ONCE:
        return await ctx.write(partial(change, uids=uids), short=len(uids) <= SHORT_WRITE)
    outcome = StoreOutcome([], [], [], [])
    for start in range(0, len(uids), _CHANGED_AT_ONCE):
        part = uids[start : start + _CHANGED_AT_ONCE]
        done = await ctx.write(partial(change, uids=part))
        outcome.changed.extend(done.changed)
        outcome.unmodified.extend(done.unmodified)
        outcome.failed.extend(done.failed)
        outcome.missing.extend(done.missing)
    return outcome


def _foreseen(command: Store, view: View, rows: list[Placed]) -> list[Placed]:
    """Those of the rows whose flags the client can work out for itself.

    The others were changed by someone else, too, since it was last told of them; silence is not
    for those (RFC 9051 §6.4.6), so they are left for the end of the command to tell.
    """
    wanted: dict[tuple[int, str], tuple[int, set[str]]] = {}  # few, however many rows
    found: list[Placed] = []
    for row in rows:
        at = view.index_of(row.uid)
        if at < 0:
            continue
        before = (view.flags[at], view.keywords.get(row.uid, ""))
        after = wanted.get(before)
        if after is None:
            after = wanted[before] = _after(command, *before)
        if after == (row.flags, _folded(row.keywords)):
            found.append(row)
    return found


def _after(command: Store, flags: int, keywords: str) -> tuple[int, set[str]]:
    """What the client believes of a message after the command."""
    named = _folded(command.keywords)
    match command.change:
        case FlagChange.ADD:
            return flags | command.flags, _folded(keywords) | named
        case FlagChange.REMOVE:
            return flags & ~command.flags, _folded(keywords) - named
        case FlagChange.REPLACE:
            return command.flags, named


def _folded(keywords: str) -> set[str]:
    return set(keywords.lower().split())


async def _tell(
    command: Store, ctx: Context, view: View, changed: list[Placed], unmodified: list[Placed]
) -> None:
    """FETCH responses. Who counts changes is told the modseq even in silence."""
    told = [row.uid for row in changed]
    learn(ctx, view, told)
    if command.silent and not ctx.condstore:
        return
    if not command.silent:
        told = sorted([*told, *(row.uid for row in unmodified)])
    with_uid = command.uid or ctx.qresync or ctx.rev2
    for start in range(0, len(told), _ANSWERED_AT_ONCE):
        indexes = map(view.index_of, told[start : start + _ANSWERED_AT_ONCE])
        if command.silent:
            lines = [_modseq_line(view, at, with_uid) for at in indexes if at >= 0]
        else:
            lines = [
                flags_line(view, at, with_uid=with_uid, with_modseq=ctx.condstore)
                for at in indexes
                if at >= 0
            ]
        ctx.send_octets(b"".join(lines))
        if start + _ANSWERED_AT_ONCE < len(told):  # the last ones leave with the tagged response
            await ctx.drained()


def _modseq_line(view: View, at: int, with_uid: bool) -> bytes:
    uid = f"UID {view.uids[at]} " if with_uid else ""
    return f"* {view.below + at + 1} FETCH ({uid}MODSEQ ({view.modseqs[at]}))\r\n".encode()


COMMANDS = (
    CommandSpec("STORE", SELECTED, partial(parse_store, uid=False), run_store, uses_seqnums=True),
    CommandSpec("UID STORE", SELECTED, partial(parse_store, uid=True), run_store),
)
