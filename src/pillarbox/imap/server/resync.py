"""QRESYNC: what happened while a client was away (RFC 7162 §3.2.5)."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import ModSeq
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.untagged import reach, tell_flags
from pillarbox.imap.server.view import EVERYTHING, Reach, View
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.sequence_set import (
    SequenceSet,
    indexes_within,
    missing_from,
    ranges_of,
)
from pillarbox.store import Reader
from pillarbox.store.model import MailboxChanges
from pillarbox.store.sql import changes


@dataclass(frozen=True, slots=True)
class QResync:
    """The parameter of SELECT; the optional match data only spare what we need not spare."""

    uid_validity: int
    modseq: int
    known: SequenceSet | None = None  # UIDs; None: all below UIDNEXT


async def tell_since(ctx: Context, view: View, resync: QResync) -> None:
    """VANISHED (EARLIER), then the messages that changed, both within the client's known UIDs."""
    account, mailbox = view.mailbox.account, view.mailbox.id
    last = max(view.mailbox.uid_next - 1, 1)
    known = resync.known.resolve(last) if resync.known is not None else [(1, last)]

    async def ask(db: Reader) -> MailboxChanges | None:
        try:
            return await changes.since(db, account, mailbox, ModSeq(resync.modseq))
        except CannotCalculateChanges:
            return None

    news = await ctx.read(ask)
    if news is None:
        await reach(ctx, EVERYTHING)
        vanished = missing_from(view.uids, known, last)
    else:
        # What went after the view's moment is told as EXPUNGE by and by.
        gone = [row.uid for row in news.expunged if row.modseq <= view.modseq]
        stretches = indexes_within(gone, known)
        vanished = ranges_of(gone[at] for stretch in stretches for at in stretch)
    if vanished:
        ctx.send(responses.VanishedEarlier(vanished))
    changed = [row.uid for row in news.placed] if news else _changed_here(view, resync.modseq)
    stretches = indexes_within(changed, known)
    told = [changed[at] for stretch in stretches for at in stretch]
    if told:
        await reach(ctx, Reach(uid=told[0]))
        tell_flags(ctx, view, told, with_uid=True)


def _changed_here(view: View, since: int) -> list[int]:
    """UIDs of messages whose modseq is higher, in a view that has all."""
    pairs = zip(view.uids, view.modseqs, strict=True)
    return [uid for uid, modseq in pairs if modseq > since]
