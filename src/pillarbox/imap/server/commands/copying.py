"""COPY and MOVE with their UID forms (RFC 9051 §6.4.7, §6.4.8, §6.4.9; RFC 6851)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pillarbox.errors import NoSuchMailbox
from pillarbox.ids import Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.untagged import indexes_of, refresh
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet
from pillarbox.store import Transaction
from pillarbox.store.model import Copied
from pillarbox.store.sql import mailboxes, messages


@dataclass(frozen=True, slots=True)
class Copying:
    """COPY, or MOVE."""

    wanted: SequenceSet
    uid: bool
    target: str
    move: bool


def parse_copying(reader: Reader, hooks: Hooks, *, uid: bool, move: bool) -> Copying:
    """`set SP mailbox`."""
    wanted = reader.sequence_set()
    reader.space()
    return Copying(wanted, uid, reader.mailbox(), move)


async def run_copying(command: Copying, ctx: Context) -> Done:
    """All messages or none, in one transaction."""
    view = ctx.selected
    if command.move and view.read_only:
        raise No("The mailbox was opened read-only.", codes.READ_ONLY)
    uids = [Uid(view.uids[at]) for at in await indexes_of(ctx, command.wanted, by_uid=command.uid)]
    if not uids:
        return Done("no such messages")
    account, source = ctx.account, view.mailbox.id

    async def change(tx: Transaction) -> Copied:
        target = await mailboxes.find(tx, account, command.target)
        if target is None or not target.selectable:
            raise NoSuchMailbox
        if command.move:
            return await messages.move(tx, account, source, uids, target.id)
        copied = await messages.copy(tx, account, source, uids, target.id)
        if len(copied.source) < len(uids) and not command.uid:
            # All or none (RFC 2180 §4.4); UIDs that are gone are passed over (RFC 9051 §6.4.9).
            text = "Some of those messages are no longer there; none was copied."
            raise No(text, codes.EXPUNGE_ISSUED)
        return copied

    try:
        copied = await ctx.write(change)
    except NoSuchMailbox as error:
        raise No(str(error), codes.TRY_CREATE) from error
    if not copied.source:
        raise No("Those messages are no longer there.", codes.EXPUNGE_ISSUED)
    code = codes.copy_uid(copied.uid_validity, copied.source, copied.target)
    if not command.move:
        return Done("copied", code)
    # RFC 9051 §6.4.8: COPYUID comes untagged before the EXPUNGE responses.
    ctx.send(responses.ok("moved", code))
    await refresh(ctx, tell_expunged=True)
    return Done("moved", codes.highest_modseq(view.modseq) if ctx.condstore else None)


COMMANDS = (
    CommandSpec(
        "COPY",
        SELECTED,
        partial(parse_copying, uid=False, move=False),
        run_copying,
        uses_seqnums=True,
    ),
    CommandSpec("UID COPY", SELECTED, partial(parse_copying, uid=True, move=False), run_copying),
    CommandSpec(
        "MOVE",
        SELECTED,
        partial(parse_copying, uid=False, move=True),
        run_copying,
        uses_seqnums=True,
        breaks_seqnums=True,
    ),
    CommandSpec(
        "UID MOVE",
        SELECTED,
        partial(parse_copying, uid=True, move=True),
        run_copying,
        breaks_seqnums=True,
    ),
)
