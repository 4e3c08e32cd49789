"""QRESYNC: what happened while a client was away (RFC 7162 §3.2.5)."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.errors import CannotCalculateChanges
from pillarbox.ids import ModSeq
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.untagged import tell_flags
from pillarbox.imap.server.view import View
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.sequence_set import (
    SequenceSet,
    indexes_within,
    missing_from,
    ranges_of,
)
from pillarbox.store import Reader
from pillarbox.store.sql import changes


@dataclass(frozen=True, slots=True)
class QResync:
    """The parameter of SELECT; the optional match data only spare what we need not spare."""

    uid_validity: int
    modseq: int
    known: SequenceSet | None = None  # UIDs; None: all below UIDNEXT


async def tell_since(ctx: Context, view: View, resync: QResync) -> None:
    """VANISHED (EARLIER), then the messages that changed, both within the client's known UIDs."""
    last = max(view.mailbox.uid_next - 1, 1)
    known = resync.known.resolve(last) if resync.known is not None else [(1, last)]
    gone = await _expunged_since(ctx, view, ModSeq(resync.modseq))
    if gone is None:
        vanished = missing_from(view.uids, known, last)
    else:
        stretches = indexes_within(gone, known)
        vanished = ranges_of(gone[at] for stretch in stretches for at in stretch)
    if vanished:
        ctx.send(responses.VanishedEarlier(vanished))
    modseqs, uids = view.modseqs, view.uids
    changed = [
        uids[at]
        for stretch in indexes_within(uids, known)
        for at in stretch
        if modseqs[at] > resync.modseq
    ]
    tell_flags(ctx, view, changed, with_uid=True)


async def _expunged_since(ctx: Context, view: View, modseq: ModSeq) -> list[int] | None:
    """UIDs that went, ascending; None: too long ago to know."""
    account, mailbox = view.mailbox.account, view.mailbox.id

    async def ask(db: Reader) -> list[int] | None:
        try:
            return [row.uid for row in (await changes.since(db, account, mailbox, modseq)).expunged]
        except CannotCalculateChanges:
            return None

    gone = await ctx.read(ask)
    # What went between reading the view and now is told as EXPUNGE by and by.
    return None if gone is None else [uid for uid in gone if view.index_of(uid) < 0]
