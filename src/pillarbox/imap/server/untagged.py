"""What a client is told unasked: the difference between its picture and the store's mailbox."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.errors import CannotCalculateChanges
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.view import Told, View
from pillarbox.imap.wire import codes, responses
from pillarbox.store import Reader
from pillarbox.store.model import MailboxChanges
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
    changes = await changes_since(ctx, view)
    if ctx.view is view:
        tell(ctx, view, view.apply(changes, tell_expunged=tell_expunged))


async def changes_since(ctx: Context, view: View) -> MailboxChanges:
    """What happened in the view's mailbox since it was looked at."""
    account, mailbox = view.mailbox.account, view.mailbox.id

    async def ask(reader: Reader) -> MailboxChanges:
        try:
            return await changes_sql.since(reader, account, mailbox, view.modseq)
        except CannotCalculateChanges:  # this session slept longer than tombstones are kept
            placed = await changes_sql.placed(reader, account, mailbox)
            modseq = await changes_sql.account_modseq(reader, account)
            return view.differences(placed, modseq)

    return await ctx.read(ask)


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
    return f"* {at + 1} FETCH ({uid}FLAGS ({view.flag_names(at)}){modseq})\r\n".encode()
