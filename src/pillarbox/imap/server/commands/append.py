"""APPEND, also of several messages at once (RFC 9051 §6.3.12, RFC 3502). The octets are in spools.

A message's literal was streamed to a spool before the command is parsed; see `literals`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.errors import NoSuchMailbox, OverQuota
from pillarbox.flow.delivery.keep import Sealed, seal
from pillarbox.ids import AccountId, MailboxId
from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Hooks
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.flag_words import parse_flags
from pillarbox.imap.server.quirks import TAKE_MORE_SPACES_IN_APPEND
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.framing import Literal
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import SHORT_WRITE, Transaction
from pillarbox.store import Reader as Db
from pillarbox.store.model import Role
from pillarbox.store.sql import accounts, mailboxes, messages, spare
from pillarbox.store.sql.messages import Appended, NewMessage


@dataclass(frozen=True, slots=True)
class Item:
    """One message: its flags and its INTERNALDATE (None: now); `utf8` by its own form."""

    flags: int
    keywords: str
    received_at: int | None
    utf8: bool


@dataclass(frozen=True, slots=True)
class Append:
    """Messages for one mailbox, in the order of the spools."""

    mailbox: str
    items: tuple[Item, ...]


def parse_target(reader: Reader) -> str:
    """The mailbox, up to the space behind it."""
    mailbox = reader.mailbox()
    reader.space()
    return mailbox


def parse_append(reader: Reader, hooks: Hooks) -> Append:
    """`mailbox 1*(SP [flags SP] [date-time SP] message)`."""
    mailbox = parse_target(reader)
    items = [_parse_item(reader, hooks)]
    while not reader.at_end:
        reader.space()
        while TAKE_MORE_SPACES_IN_APPEND and reader.take(b" "):
            pass
        items.append(_parse_item(reader, hooks))
    return Append(mailbox, tuple(items))


def _parse_item(reader: Reader, hooks: Hooks) -> Item:
    flags, keywords, received_at = 0, "", None
    if reader.peek(b"("):
        flags, keywords = parse_flags(reader.flag_list())
        reader.space()
    if reader.peek(b'"'):
        received_at = reader.date_time()
        reader.space()
    name = reader.peek_word()
    if not name:
        literal = reader.literal()
    elif name in hooks.append_items:
        reader.word()
        literal = hooks.append_items[name](reader)
    else:
        raise BadSyntax(f"APPEND has no item {name}.")
    if not isinstance(literal, Literal) or not literal.diverted:
        raise BadSyntax("A message is sent as a literal.")
    return Item(flags, keywords, received_at, bool(name))


async def check_room(ctx: Context, target: str, octets: int, count: int) -> None:
    """Say no before the octets come: no such mailbox, or no room for them."""
    account = ctx.account

    async def ask(db: Db) -> None:
        mailbox = await mailboxes.find(db, account, target)
        if mailbox is None or not mailbox.selectable:
            raise No("There is no mailbox of that name.", codes.TRY_CREATE)
        row = await accounts.get(db, account)
        more = spare.NONE
        if mailbox.role is Role.DRAFTS:  # whether it has \Draft is seen later
            more = spare.drafts(ctx.store.settings)
        octets_then, messages_then = row.used_octets + octets, row.used_messages + count
        use = spare.Use(row.quota_octets, octets_then, row.quota_messages, messages_then)
        if not spare.fits(use, more):
            raise OverQuota

    await ctx.read(ask)


async def run_append(command: Append, ctx: Context) -> Done:
    """All messages in one transaction, durable before OK."""
    spools = ctx.spools
    if len(spools) != len(command.items) or not all(spool.size for spool in spools):
        raise No("A message has at least one octet.", codes.CANNOT)
    if "UTF8=ACCEPT" not in ctx.enabled and any(item.utf8 for item in command.items):
        raise BadSyntax("UTF8 needs ENABLE UTF8=ACCEPT first.")
    account = ctx.account
    sealed = [await seal(spool) for spool in spools]

    async def change(tx: Transaction) -> list[Appended]:
        mailbox = await mailboxes.find(tx, account, command.mailbox)
        if mailbox is None:
            raise NoSuchMailbox
        pairs = zip(command.items, sealed, strict=True)
        return [
            await messages.append(tx, _new_message(account, mailbox.id, item, one))
            for item, one in pairs
        ]

    try:
        appended = await ctx.write(change, short=len(sealed) <= SHORT_WRITE)
    except NoSuchMailbox as error:
        raise No(str(error), codes.TRY_CREATE) from error
    uids = [one.uid for one in appended]
    return Done("appended", codes.append_uid(appended[0].uid_validity, uids))


def _new_message(account: AccountId, mailbox: MailboxId, item: Item, sealed: Sealed) -> NewMessage:
    return NewMessage(
        account=account,
        mailbox=mailbox,
        blob=sealed.blob,
        digest=sealed.digest,
        flags=item.flags,
        keywords=item.keywords,
        received_at=item.received_at,
    )


COMMANDS = (CommandSpec("APPEND", AUTHENTICATED, parse_append, run_append),)
