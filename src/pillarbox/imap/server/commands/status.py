"""STATUS: a mailbox's counters without selecting it (RFC 9051 §6.3.11, RFC 3501 §6.3.10)."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import msgspec

from pillarbox.errors import NoSuchMailbox
from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Hooks, StatusItem
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.quirks import RECENT_MESSAGES
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import mailboxes

Column = tuple[bytes, Callable[[Mailbox], int]]  # its form and its value
Items = tuple[tuple[str, StatusItem | None], ...]  # None: one of COLUMNS


class Status(msgspec.Struct, frozen=True):
    """`items` are names with what answers them."""

    mailbox: str
    items: Items


COLUMNS: dict[str, Column] = {
    "MESSAGES": (b"MESSAGES %d", attrgetter("messages")),
    "UIDNEXT": (b"UIDNEXT %d", attrgetter("uid_next")),
    "UIDVALIDITY": (b"UIDVALIDITY %d", attrgetter("uid_validity")),
    "UNSEEN": (b"UNSEEN %d", attrgetter("unseen")),
    "DELETED": (b"DELETED %d", attrgetter("deleted")),
    "SIZE": (b"SIZE %d", attrgetter("octets")),
    "RECENT": (b"RECENT %d", lambda mailbox: RECENT_MESSAGES),
}


def parse_status(reader: Reader, hooks: Hooks) -> Status:
    """`mailbox SP "(" items ")"`."""
    mailbox = reader.mailbox()
    reader.space()
    return Status(mailbox, parse_items(reader, hooks))


def parse_items(reader: Reader, hooks: Hooks) -> Items:
    """The list of items in parentheses, each taken once."""
    items: dict[str, StatusItem | None] = {}
    for name in reader.words():
        item = hooks.status_items.get(name)
        if item is None and name not in COLUMNS:
            raise BadSyntax(f"STATUS has no item {name}.")
        items[name] = item
    return tuple(items.items())


async def status_of(ctx: Context, mailbox: Mailbox, items: Items) -> responses.StatusData:
    """The answer for one mailbox."""
    pairs = []
    for name, item in items:
        if item is None:
            form, value = COLUMNS[name]
            pairs.append(form % value(mailbox))
        else:
            pairs.append(b"%b %b" % (name.encode("ascii"), await item(mailbox, ctx)))
    return responses.StatusData(mailbox.path, pairs)


async def run_status(command: Status, ctx: Context) -> Done:
    """One row of the store, whatever the mailbox's size."""
    account = ctx.account
    mailbox = await ctx.read_one(lambda db: mailboxes.find(db, account, command.mailbox))
    if mailbox is None or not mailbox.selectable:
        raise NoSuchMailbox
    ctx.send(await status_of(ctx, mailbox, command.items))
    return Done()


COMMANDS = (CommandSpec("STATUS", AUTHENTICATED, parse_status, run_status),)
