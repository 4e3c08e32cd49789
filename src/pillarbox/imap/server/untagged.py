"""What a client is told unasked: the difference between its picture and the store's mailbox."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial

from pillarbox.errors import CannotCalculateChanges, NoSuchMailbox
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.older import lowest, read_down_to, read_uids
from pillarbox.imap.server.picture import Picture
from pillarbox.imap.server.view import EVERYTHING, NOTHING, Reach, Told, View
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.sequence_set import SequenceSet
from pillarbox.store import Reader
from pillarbox.store.model import MailboxChanges, StoreOutcome
from pillarbox.store.sql import changes as changes_sql


async def refresh(ctx: Context, *, tell_expunged: bool) -> None:
    """Bring the view up to date and tell what is new (RFC 9051 §5.2, §7.5.1).

    `tell_expunged` is False while a command that uses sequence numbers is in progress; messages
    that went are then told by a later one.
    """
    view = ctx.view
    if view is None:
        return
    ctx.stale = False
    await _move_on(ctx, view, NOTHING, tell_expunged=tell_expunged)


async def reach(ctx: Context, wanted: Reach) -> None:
    """Have the messages that a command wants in the view, which may only count them yet.

    What changed meanwhile is told now, all but EXPUNGE, so that what is read is as it is told.
    """
    view = ctx.selected
    if view.lacks(wanted):
        view.adopt_fuller()
    if view.lacks(wanted):
        await _move_on(ctx, view, wanted, tell_expunged=False)
    if view.gone:
        ctx.stale = True  # the session leaves it at the command's end
        raise NoSuchMailbox


async def all_uids(ctx: Context) -> array[int]:
    """The UIDs of the whole selected mailbox as the client knows it, by sequence number.

    Of messages that are only counted no more than these are read, unless something changed.
    """
    view = ctx.selected
    if view.lacks(EVERYTHING):
        view.adopt_fuller()
    if view.uids_below is None:
        view.know_below(await ctx.store.scan(partial(read_uids, view=view)))
    await reach(ctx, EVERYTHING if view.uids_below is None else NOTHING)
    return (view.uids_below or array("I")) + view.uids


async def indexes_of(ctx: Context, wanted: SequenceSet, *, by_uid: bool) -> list[int]:
    """The messages of the selected mailbox that a set names, `$` included, as indexes."""
    view = ctx.selected
    while view.lacks(needed := view.reach_of(wanted, ctx.saved, by_uid=by_uid)):
        await reach(ctx, needed)
    if wanted.saved:
        return view.resolve_saved(ctx.saved)
    return view.resolve(wanted, by_uid=by_uid)


async def _move_on(ctx: Context, view: View, wanted: Reach, *, tell_expunged: bool) -> None:
    """Bring the view to the present, and as far down as is wanted and as the changes go."""

    async def ask(db: Reader) -> tuple[MailboxChanges, Picture | None, bool]:
        changes = await _changes_since(db, view)
        if not view.below:
            return changes, None, True
        low, in_reach = await lowest(db, view, (wanted, view.touched(changes)))
        if low is None or not in_reach:
            return changes, None, in_reach
        return changes, await read_down_to(db, view, low), True

    async def ask_for_all(db: Reader) -> tuple[MailboxChanges, Picture | None, bool]:
        return await _changes_since(db, view), await read_down_to(db, view, 0), True

    changes, older, in_reach = await ctx.read(ask)
    if not in_reach:
        changes, older, _ = await ctx.store.scan(ask_for_all)
    if ctx.view is not view:
        return
    if older is not None and changes.exists:
        view.put_under(older, changes)
    tell(ctx, view, view.apply(changes, tell_expunged=tell_expunged))


async def _changes_since(db: Reader, view: View) -> MailboxChanges:
    """What happened in the view's mailbox since it was looked at."""
    account, mailbox = view.mailbox.account, view.mailbox.id
    try:
        return await changes_sql.since(db, account, mailbox, view.modseq)
    except CannotCalculateChanges:  # this session slept longer than tombstones are kept
        placed = [] if view.below else await changes_sql.placed(db, account, mailbox)
        modseq = await changes_sql.account_modseq(db, account)
        return view.differences(placed, modseq)


def keep_up(ctx: Context, view: View, outcome: StoreOutcome) -> None:
    """Move on by what this session changed and has noted, where nobody else changed anything.

    That is the usual case, and it spares asking the store for the changes.
    """
    if outcome.modseq is None or outcome.before != view.modseq:
        return
    view.apply(MailboxChanges(outcome.modseq, [], [], exists=True), tell_expunged=False)
    ctx.caught_up(outcome.modseq)


def tell(ctx: Context, view: View, told: Told) -> None:
    """Send what a step of the view asks for, in the order that keeps the numbers right."""
    if told.expunged_uids:
        if ctx.qresync:
            ctx.send(responses.Vanished(told.expunged_uids))
        else:
            lines = [b"* %d EXPUNGE\r\n" % seqnum for seqnum in told.expunged_seqs]
            ctx.send_octets(b"".join(lines))
    if told.exists is not None:
        ctx.send(responses.Exists(told.exists))
        if not ctx.rev2:
            ctx.send(responses.Recent(view.recent))
    if told.changed_uids:
        tell_flags(ctx, view, told.changed_uids)


def tell_flags(ctx: Context, view: View, uids: Sequence[int], *, with_uid: bool = False) -> None:
    """FETCH responses with the flags of messages, after FLAGS where a keyword is new."""
    learn(ctx, view, uids)
    with_uid = with_uid or ctx.qresync or ctx.rev2
    condstore = ctx.condstore
    lines: list[bytes] = []
    for uid in uids:
        at = view.index_of(uid)
        if at >= 0:
            lines.append(flags_line(view, at, with_uid=with_uid, with_modseq=condstore))
    ctx.send_octets(b"".join(lines))


def learn(ctx: Context, view: View, uids: Sequence[int]) -> None:
    """FLAGS and PERMANENTFLAGS, when messages have a keyword that they did not name yet."""
    if not view.learn_keywords(uids):
        return
    names = view.keyword_list()
    ctx.send(responses.Flags(names))
    if not view.read_only:
        ctx.send(responses.ok("Flags that are kept", codes.permanent_flags([*names, "\\*"])))


def flags_line(view: View, at: int, *, with_uid: bool, with_modseq: bool) -> bytes:
    """One FETCH response: FLAGS, with UID and MODSEQ as asked (RFC 9051 §7.5.2, RFC 7162 §3.1)."""
    uid = f"UID {view.uids[at]} " if with_uid else ""
    modseq = f" MODSEQ ({view.modseqs[at]})" if with_modseq else ""
    return (
        f"* {view.below + at + 1} FETCH ({uid}FLAGS ({view.flag_names(at)}){modseq})\r\n".encode()
    )
