"""CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Hooks, parse_options
from pillarbox.imap.server.commands.listing import list_data
from pillarbox.imap.server.context import Context, No
from pillarbox.imap.server.object_ids import mailbox_object_id
from pillarbox.imap.wire import codes, responses
from pillarbox.imap.wire.encoder import encode_list, encode_mailbox
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import Transaction
from pillarbox.store.model import DELIMITER, Mailbox, Role
from pillarbox.store.sql import mailboxes
from pillarbox.store.sql.names import normal_path

_ROLES = {f"\\{role.value}": role for role in Role if role is not Role.INBOX}


@dataclass(frozen=True, slots=True)
class Create:
    """`params` by name, as their extensions parsed them."""

    mailbox: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rename:
    """From one name to another."""

    old: str
    new: str


def parse_create(reader: Reader, hooks: Hooks) -> Create:
    """`mailbox [SP "(" param *(SP param) ")"]` (RFC 4466 §2.2)."""
    mailbox = reader.mailbox()
    params: dict[str, Any] = {}
    if not reader.at_end:
        reader.space()
        params = parse_options(reader, hooks.create_params, "CREATE")
    return Create(mailbox, params)


def parse_uses(reader: Reader) -> list[str]:
    r"""CREATE-SPECIAL-USE's `USE (\Drafts \Sent)` (RFC 6154 §3)."""
    reader.space()
    return reader.flag_list()


def parse_mailbox(reader: Reader, hooks: Hooks) -> str:
    """One name."""
    return reader.mailbox()


def parse_rename(reader: Reader, hooks: Hooks) -> Rename:
    """Two names."""
    old = reader.mailbox()
    reader.space()
    return Rename(old, reader.mailbox())


async def run_create(command: Create, ctx: Context) -> Done:
    """Make a mailbox; a delimiter at the name's end only announces children."""
    account = ctx.account
    path = command.mailbox.removesuffix(DELIMITER)
    role = _role(command.params.get("USE", []))

    async def change(tx: Transaction) -> Mailbox:
        if role is not None and await mailboxes.by_role(tx, account, role) is not None:
            raise No("Another mailbox has that special use.", codes.USE_ATTR)
        return await mailboxes.create(tx, account, path, role)

    made = await ctx.write(change)
    if ctx.rev2 and made.path != path:  # RFC 9051 §6.3.4: the name was put into its normal form
        ctx.send(list_data(made, path, has_children=False, utf8=ctx.utf8))
    return Done("created", codes.mailbox_id(mailbox_object_id(made.id)))


def _role(uses: list[str]) -> Role | None:
    """The store keeps one use a mailbox (RFC 6154 §3 lets a server refuse)."""
    roles = {_ROLES.get(use.lower()) for use in uses}
    if None in roles or len(roles) > 1:
        raise No("A mailbox has one of the special uses that LIST shows.", codes.USE_ATTR)
    return roles.pop() if roles else None


async def run_delete(path: str, ctx: Context) -> Done:
    """Delete a mailbox with its messages; one with children stays as a level."""
    account, path = ctx.account, path.removesuffix(DELIMITER)

    async def change(tx: Transaction) -> Mailbox | None:
        await mailboxes.delete(tx, account, path)
        return await mailboxes.find(tx, account, path)

    level = await ctx.write(change)
    normal = normal_path(path)
    if ctx.rev2 and normal != path and level is None:  # RFC 9051 §6.3.5
        old = encode_list([encode_mailbox(path, utf8=ctx.utf8)])
        ctx.send(responses.ListData(normal, ["\\NonExistent"], extended=[("OLDNAME", old)]))
    return Done("deleted")


async def run_rename(command: Rename, ctx: Context) -> Done:
    """Move a mailbox and what is inside it; INBOX gives its messages away."""
    account = ctx.account
    old, new = command.old.removesuffix(DELIMITER), command.new.removesuffix(DELIMITER)

    async def change(tx: Transaction) -> tuple[Mailbox, bool]:
        moved = await mailboxes.rename(tx, account, old, new)
        return moved, await mailboxes.has_children(tx, moved)

    moved, has_children = await ctx.write(change)
    if ctx.rev2 and (normal_path(old) != old or moved.path != new):  # RFC 9051 §6.3.6
        ctx.send(list_data(moved, old, has_children=has_children, utf8=ctx.utf8))
    return Done("renamed")


async def run_subscribe(path: str, ctx: Context) -> Done:
    """Names may be subscribed that do not exist (RFC 9051 §6.3.7 leaves it to the server)."""
    account = ctx.account
    await ctx.write(lambda tx: mailboxes.subscribe(tx, account, path.removesuffix(DELIMITER)))
    return Done("subscribed")


async def run_unsubscribe(path: str, ctx: Context) -> Done:
    """Forget a name."""
    account = ctx.account
    await ctx.write(lambda tx: mailboxes.unsubscribe(tx, account, path.removesuffix(DELIMITER)))
    return Done("unsubscribed")


COMMANDS = (
    CommandSpec("CREATE", AUTHENTICATED, parse_create, run_create),
    CommandSpec("DELETE", AUTHENTICATED, parse_mailbox, run_delete),
    CommandSpec("RENAME", AUTHENTICATED, parse_rename, run_rename),
    CommandSpec("SUBSCRIBE", AUTHENTICATED, parse_mailbox, run_subscribe),
    CommandSpec("UNSUBSCRIBE", AUTHENTICATED, parse_mailbox, run_unsubscribe),
)
