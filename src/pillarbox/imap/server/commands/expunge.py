"""EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9; HIGHESTMODSEQ: RFC 7162 §3.2.7)."""

from __future__ import annotations

from pillarbox.ids import Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks, parse_nothing
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.untagged import indexes_of, refresh
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet
from pillarbox.store.sql import messages


def parse_uid_expunge(reader: Reader, hooks: Hooks) -> SequenceSet:
    """A set of UIDs."""
    return reader.sequence_set()


async def run_expunge(wanted: SequenceSet | None, ctx: Context) -> Done:
    """Remove what is flagged deleted: all of it, or what the set names."""
    view = ctx.selected
    if view.read_only:
        raise No("The mailbox was opened read-only.", codes.READ_ONLY)
    uids: list[Uid] | None = None
    if wanted is not None:
        uids = [Uid(view.uids[at]) for at in await indexes_of(ctx, wanted, by_uid=True)]
    account, mailbox = ctx.account, view.mailbox.id
    expunged = await ctx.write(lambda tx: messages.expunge(tx, account, mailbox, uids))
    await refresh(ctx, tell_expunged=True)
    code = codes.highest_modseq(view.modseq) if expunged and ctx.condstore else None
    return Done("expunged", code)


COMMANDS = (
    CommandSpec("EXPUNGE", SELECTED, parse_nothing, run_expunge, breaks_seqnums=True),
    CommandSpec("UID EXPUNGE", SELECTED, parse_uid_expunge, run_expunge, breaks_seqnums=True),
)
