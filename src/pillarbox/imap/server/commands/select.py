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
from pillarbox.imap.server.commands.expunge import expunge_all
from pillarbox.imap.server.commands.listing import list_data
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.object_ids import mailbox_object_id
from pillarbox.imap.server.picture import Picture
from pillarbox.imap.server.resync import QResync, tell_since
from pillarbox.imap.server.view import View, first_touched
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import Reader as Db
from pillarbox.store.model import Flag, Mailbox, MailboxChanges
from pillarbox.store.sql import changes, mailboxes, messages

READ_WHOLE = 500  # messages that are read at SELECT; of larger mailboxes, when they are needed
_LOOKED_AT = 100  # messages at either end among which the first unseen one is looked for


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
            news = await changes.since(db, account, mailbox.id, known.modseq)
        except CannotCalculateChanges:
            return mailbox, None, None
        if first_touched(news) < known.floor:  # what it only counts is not what it was
            return mailbox, Picture.unread(mailbox), None
        return mailbox, known, news

    mailbox, picture, news = await ctx.read(ask)
    if picture is None:
        begun = await ctx.read(partial(_begin, found=mailbox))
        mailbox, picture = begun
    view = View(pictures, mailbox, picture, read_only=command.read_only)
    if news is not None:
        view.apply(news, tell_expunged=True)
    else:
        pictures.publish(mailbox, picture)
    return mailbox, view


async def _begin(db: Db, found: Mailbox) -> tuple[Mailbox, Picture]:
    """The picture of a mailbox that nobody has: all messages of a small one, else their number."""
    mailbox = await mailboxes.get(db, found.account, found.id)
    if mailbox.messages > READ_WHOLE:
        return mailbox, Picture.unread(mailbox)
    placed = await changes.placed(db, found.account, found.id)
    return mailbox, Picture.of(placed, mailbox.modseq)


async def _tell_mailbox(ctx: Context, mailbox: Mailbox, view: View, asked: str) -> None:
    """The untagged data of SELECT, in both revisions' forms (RFC 9051 §6.3.2, RFC 3501 §6.3.1)."""
    if len(view) > READ_WHOLE:
        view.know_keywords(await ctx.read(lambda db: messages.all_keywords(db, ctx.account)))
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
        unseen = await _first_unseen(ctx, mailbox, view)
        if unseen:
            ctx.send(responses.ok("First message not seen", codes.unseen(unseen)))
    ctx.send(responses.ok("UIDs are valid", codes.uid_validity(mailbox.uid_validity)))
    ctx.send(responses.ok("Next UID", codes.uid_next(mailbox.uid_next)))
    ctx.send(responses.ok("Changes are counted", codes.highest_modseq(view.modseq)))
    ctx.send(responses.ok("The mailbox's id", codes.mailbox_id(mailbox_object_id(mailbox.id))))


async def _first_unseen(ctx: Context, mailbox: Mailbox, view: View) -> int:
    """A sequence number, 0 where all are seen.

    0 too where that would take a long search: a client that is not told must look for itself
    (RFC 3501 §7.1). Most have their unseen messages near the end, some have never seen any.
    """
    if not mailbox.unseen:
        return 0
    seen = int(Flag.SEEN)
    if len(view) <= READ_WHOLE and not view.below:
        return next((at for at, flags in enumerate(view.flags, 1) if not flags & seen), 0)
    account, number = mailbox.account, mailbox.id

    async def ask(db: Db) -> int:
        now = await mailboxes.get(db, account, number)
        if now.modseq != view.modseq:
            return 0
        first = await messages.first_flags(db, account, number, _LOOKED_AT)
        for at, flags in enumerate(first, 1):
            if not flags & seen:
                return at
        last = await messages.last_flags(db, account, number, _LOOKED_AT)
        places = [at for at, flags in enumerate(last) if not flags & seen]
        return now.messages - places[-1] if len(places) == now.unseen else 0

    return await ctx.read(ask)


async def run_close(command: None, ctx: Context) -> Done:
    """Expunge silently, then leave. No HIGHESTMODSEQ: the client was not told what went
    (RFC 7162 §3.2.8).
    """
    view = ctx.selected
    if not view.read_only:
        with suppress(NoSuchMailbox):  # deleted by someone else: nothing is left to expunge
            await expunge_all(ctx, view)
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
