"""STATUS: a mailbox's counters without selecting it (RFC 9051 §6.3.11, RFC 3501 §6.3.10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pillarbox.errors import NoSuchMailbox
from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Hooks, StatusItem
from pillarbox.imap.server.context import Context
from pillarbox.imap.server.quirks import RECENT_MESSAGES
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.store.model import Mailbox
from pillarbox.store.sql import mailboxes

Items = tuple[tuple[str, StatusItem], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """`items` are names with what answers them."""

    mailbox: str
    items: Items


def _column(value: Callable[[Mailbox], int]) -> StatusItem:
    async def item(mailbox: Mailbox, ctx: Context) -> bytes:
        return b"%d" % value(mailbox)

    return item


BASE_ITEMS: dict[str, StatusItem] = {
    "MESSAGES": _column(lambda mailbox: mailbox.messages),
    "UIDNEXT": _column(lambda mailbox: mailbox.uid_next),
    "UIDVALIDITY": _column(lambda mailbox: mailbox.uid_validity),
    "UNSEEN": _column(lambda mailbox: mailbox.unseen),
    "DELETED": _column(lambda mailbox: mailbox.deleted),
    "SIZE": _column(lambda mailbox: mailbox.octets),
    "RECENT": _column(lambda mailbox: RECENT_MESSAGES),
}


def parse_status(reader: Reader, hooks: Hooks) -> Status:
    """`mailbox SP "(" items ")"`."""
    mailbox = reader.mailbox()
    reader.space()
    return Status(mailbox, parse_items(reader, hooks))


def parse_items(reader: Reader, hooks: Hooks) -> Items:
    """The list of items in parentheses, each taken once."""
    reader.expect(b"(")
    items: dict[str, StatusItem] = {}
    while True:
        name = reader.word()
        item = BASE_ITEMS.get(name) or hooks.status_items.get(name)
        if item is None:
            raise BadSyntax(f"STATUS has no item {name}.")
        items[name] = item
        if reader.take(b")"):
            return tuple(items.items())
        reader.space()


async def status_of(ctx: Context, mailbox: Mailbox, items: Items) -> responses.StatusData:
    """The answer for one mailbox."""
    values = [(name, await item(mailbox, ctx)) for name, item in items]
    return responses.StatusData(mailbox.path, values)


async def run_status(command: Status, ctx: Context) -> Done:
    """One row of the store, whatever the mailbox's size."""
    account = ctx.account
    mailbox = await ctx.read(lambda db: mailboxes.find(db, account, command.mailbox))
    if mailbox is None or not mailbox.selectable:
        raise NoSuchMailbox
    ctx.send(await status_of(ctx, mailbox, command.items))
    return Done()


COMMANDS = (CommandSpec("STATUS", AUTHENTICATED, parse_status, run_status),)
