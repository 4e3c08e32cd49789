"""SELECT, EXAMINE, CLOSE and UNSELECT (RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pillarbox.errors import CannotCalculateChanges, NoSuchMailbox
from pillarbox.imap.server.command import (
    AUTHENTICATED,
    SELECTED,
    CommandSpec,
    Done,
    Hooks,
    parse_nothing,
    parse_options,
)
from pillarbox.imap.server.commands.listing import list_data
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.object_ids import mailbox_object_id
from pillarbox.imap.server.picture import Picture
from pillarbox.imap.server.resync import QResync, tell_since
from pillarbox.imap.server.view import View
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import Reader as Db
from pillarbox.store.model import Flag, Mailbox, MailboxChanges
from pillarbox.store.sql import changes, mailboxes, messages

_LOADED_AT_ONCE = 20_000  # messages read on the loop's thread; more take a reader thread


@dataclass(frozen=True, slots=True)
class Select:
    """`params` by name, as their extensions parsed them."""

    mailbox: str
    read_only: bool
    params: dict[str, Any] = field(default_factory=dict)


def parse_select(reader: Reader, hooks: Hooks, *, read_only: bool) -> Select:
    """`mailbox [SP "(" param *(SP param) ")"]` (RFC 4466 §2.1)."""
    mailbox = reader.mailbox()
    params: dict[str, Any] = {}
    if not reader.at_end:
        reader.space()
        params = parse_options(reader, hooks.select_params, "SELECT")
    return Select(mailbox, read_only, params)


async def run_select(command: Select, ctx: Context) -> Done:
    """Leave the present mailbox and enter another; on failure none is selected."""
    resync: QResync | None = command.params.get("QRESYNC")
    if resync is not None and not ctx.qresync:
        raise BadSyntax("The QRESYNC parameter needs ENABLE QRESYNC first.")
    if ctx.view is not None:
        ctx.leave()
        ctx.send(responses.ok("The mailbox before this is closed", codes.CLOSED))
    if "CONDSTORE" in command.params:
        ctx.enabled.add("CONDSTORE")
    mailbox, view = await _open(ctx, command)
    ctx.select(view)
    # What happened between reading and listening is asked for at the next chance.
    ctx.stale = True
    await _tell_mailbox(ctx, mailbox, view, command.mailbox)
    if resync is not None and resync.uid_validity == mailbox.uid_validity:
        await tell_since(ctx, view, resync)
    if command.read_only:
        return Done("The mailbox can be read", codes.READ_ONLY)
    return Done("The mailbox is open", codes.READ_WRITE)


async def _open(ctx: Context, command: Select) -> tuple[Mailbox, View]:
    """The mailbox as it is now, and a view of it: from a picture that is there, or read."""
    account, pictures = ctx.account, ctx.services.pictures

    async def ask(db: Db) -> tuple[Mailbox, Picture | None, MailboxChanges | None]:
        mailbox = await mailboxes.find(db, account, command.mailbox)
        if mailbox is None or not mailbox.selectable:
            raise NoSuchMailbox
        known = pictures.find(mailbox)
        if known is None or known.modseq > mailbox.modseq:
            return mailbox, None, None
        try:
            return mailbox, known, await changes.since(db, account, mailbox.id, known.modseq)
        except CannotCalculateChanges:
            return mailbox, None, None

    mailbox, picture, news = await ctx.read(ask)
    if picture is None:
        mailbox, picture = await _load(ctx, mailbox)
    view = View(pictures, mailbox, picture, read_only=command.read_only)
    if news is not None:
        view.apply(news, tell_expunged=True)
    else:
        pictures.publish(mailbox, picture)
    return mailbox, view


async def _load(ctx: Context, found: Mailbox) -> tuple[Mailbox, Picture]:
    async def ask(db: Db) -> tuple[Mailbox, Picture]:
        mailbox = await mailboxes.get(db, found.account, found.id)
        placed = await changes.placed(db, found.account, found.id)
        return mailbox, Picture.of(placed, mailbox.modseq)

    if found.messages > _LOADED_AT_ONCE:
        return await ctx.store.scan(ask)
    return await ctx.read(ask)


async def _tell_mailbox(ctx: Context, mailbox: Mailbox, view: View, asked: str) -> None:
    """The untagged data of SELECT, in both revisions' forms (RFC 9051 §6.3.2, RFC 3501 §6.3.1)."""
    names = view.keyword_list()
    ctx.send(responses.Flags(names))
    permanent = [] if view.read_only else [*names, "\\*"]
    ctx.send(responses.ok("Flags that are kept", codes.permanent_flags(permanent)))
    ctx.send(responses.Exists(len(view)))
    if ctx.rev2:
        has_children = await ctx.read(lambda db: mailboxes.has_children(db, mailbox))
        ctx.send(list_data(mailbox, asked, has_children=has_children, utf8=ctx.utf8))
    else:
        ctx.send(responses.Recent(view.recent))
        unseen = _first_unseen(mailbox, view)
        if unseen:
            ctx.send(responses.ok("First message not seen", codes.unseen(unseen)))
    ctx.send(responses.ok("UIDs are valid", codes.uid_validity(mailbox.uid_validity)))
    ctx.send(responses.ok("Next UID", codes.uid_next(mailbox.uid_next)))
    ctx.send(responses.ok("Changes are counted", codes.highest_modseq(view.modseq)))
    ctx.send(responses.ok("The mailbox's id", codes.mailbox_id(mailbox_object_id(mailbox.id))))


def _first_unseen(mailbox: Mailbox, view: View) -> int:
    """A sequence number, 0 where all are seen."""
    if not mailbox.unseen:
        return 0
    seen = int(Flag.SEEN)
    return next((at for at, flags in enumerate(view.flags, 1) if not flags & seen), 0)


async def run_close(command: None, ctx: Context) -> Done:
    """Expunge silently, then leave. No HIGHESTMODSEQ: the client was not told what went
    (RFC 7162 §3.2.8).
    """
    view = ctx.selected
    if not view.read_only:
        account, mailbox = ctx.account, view.mailbox.id
        with suppress(NoSuchMailbox):  # deleted by someone else: nothing is left to expunge
            await ctx.write(lambda tx: messages.expunge(tx, account, mailbox))
    ctx.leave()
    return Done("The mailbox is closed")


async def run_unselect(command: None, ctx: Context) -> Done:
    """Leave and expunge nothing (RFC 9051 §6.4.2)."""
    ctx.leave()
    return Done("The mailbox is closed")


COMMANDS = (
    CommandSpec("SELECT", AUTHENTICATED, partial(parse_select, read_only=False), run_select),
    CommandSpec("EXAMINE", AUTHENTICATED, partial(parse_select, read_only=True), run_select),
    CommandSpec("CLOSE", SELECTED, parse_nothing, run_close),
    CommandSpec("UNSELECT", SELECTED, parse_nothing, run_unselect),
)
