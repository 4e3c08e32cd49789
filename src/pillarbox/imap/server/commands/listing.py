r"""LIST, LSUB and NAMESPACE (RFC 9051 §6.3.9, §6.3.10; LSUB: RFC 3501 §6.3.9).

Names are matched against the whole tree in memory: an account has some hundred mailboxes. CHILDREN
and special-use attributes are always given (RFC 3348, RFC 6154 §2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, parse_nothing
from pillarbox.imap.server.commands.list_pattern import matcher
from pillarbox.imap.server.commands.list_syntax import List, parse_list, parse_lsub
from pillarbox.imap.server.commands.status import status_of
from pillarbox.imap.server.context import Context
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.encoder import encode_list, encode_mailbox
from pillarbox.store import Reader as Db
from pillarbox.store.model import DELIMITER, Mailbox, Role
from pillarbox.store.sql import mailboxes

_ATTRIBUTES = {role: f"\\{role.value.capitalize()}" for role in Role if role is not Role.INBOX}


def attributes_of(mailbox: Mailbox, *, has_children: bool) -> list[str]:
    """What LIST says of a mailbox that exists."""
    attributes = [] if mailbox.selectable else ["\\Noselect"]
    attributes.append("\\HasChildren" if has_children else "\\HasNoChildren")
    if mailbox.role in _ATTRIBUTES:
        attributes.append(_ATTRIBUTES[mailbox.role])
    return attributes


def list_data(
    mailbox: Mailbox, asked: str, *, has_children: bool, utf8: bool
) -> responses.ListData:
    """A mailbox's LIST response; OLDNAME where it was asked for in another form of its name
    (RFC 9051 §6.3.9.7).
    """
    attributes = attributes_of(mailbox, has_children=has_children)
    extended = []
    if asked != mailbox.path:
        extended = [("OLDNAME", encode_list([encode_mailbox(asked, utf8=utf8)]))]
    return responses.ListData(mailbox.path, attributes, DELIMITER, extended)


@dataclass(frozen=True, slots=True)
class _Tree:
    """An account's names: mailboxes, and subscriptions whether or not there is a mailbox."""

    mailboxes: dict[str, Mailbox]
    parents: set[str]  # paths that have mailboxes inside them
    subscribed: set[str]


async def _tree_of(ctx: Context) -> _Tree:
    account = ctx.account

    async def ask(db: Db) -> tuple[list[Mailbox], set[str]]:
        return await mailboxes.tree(db, account), await mailboxes.subscriptions(db, account)

    found, subscribed = await ctx.read(ask)
    by_path = {mailbox.path: mailbox for mailbox in found}
    parents = {path.rpartition(DELIMITER)[0] for path in by_path if DELIMITER in path}
    return _Tree(by_path, parents, subscribed)


async def run_list(command: List, ctx: Context) -> Done:
    """Every name that matches, with its attributes, and its STATUS where wished (RFC 5819)."""
    if command.basic and command.patterns == ("",):
        # The delimiter and the root of a name are asked for (RFC 9051 §6.3.9).
        ctx.send(responses.ListData("", ["\\Noselect"], DELIMITER))
        return Done()
    tree = await _tree_of(ctx)
    matches = matcher(command.reference, command.patterns, ctx.settings.max_list_wildcards)
    names = [*tree.mailboxes]
    if command.subscribed:
        names += sorted(tree.subscribed - tree.mailboxes.keys())
    inside = _levels_above(_selected(command, tree, names)) if command.recursive else {}
    if command.subscribed:
        names += sorted(path for path in inside if path not in tree.mailboxes)
    wanted = set(_selected(command, tree, names))
    for path in dict.fromkeys(names):
        if not path or not matches(path):
            continue
        has_matches = path in inside and any(not matches(name) for name in inside[path])
        if path in wanted or has_matches:
            await _tell(command, ctx, tree, path, has_matches=has_matches)
    return Done()


def _selected(command: List, tree: _Tree, names: Sequence[str]) -> list[str]:
    """The names that the selection options let through."""
    chosen = names
    if command.subscribed:
        chosen = [path for path in chosen if path in tree.subscribed]
    if command.special_use:
        chosen = [
            path
            for path in chosen
            if path in tree.mailboxes and tree.mailboxes[path].role in _ATTRIBUTES
        ]
    return list(chosen)


def _levels_above(paths: Iterable[str]) -> dict[str, list[str]]:
    """For every level above some path, the paths that lie under it."""
    found: dict[str, list[str]] = {}
    for path in paths:
        above = path
        while DELIMITER in above:
            above = above.rpartition(DELIMITER)[0]
            found.setdefault(above, []).append(path)
    return found


async def _tell(command: List, ctx: Context, tree: _Tree, path: str, *, has_matches: bool) -> None:
    mailbox = tree.mailboxes.get(path)
    if mailbox is None:
        attributes = ["\\NonExistent"]
    else:
        attributes = attributes_of(mailbox, has_children=path in tree.parents)
    if (command.subscribed or command.return_subscribed) and path in tree.subscribed:
        attributes.append("\\Subscribed")
    extended = []
    if has_matches and command.subscribed:
        extended.append(("CHILDINFO", b'("SUBSCRIBED")'))
    ctx.send(responses.ListData(path, attributes, DELIMITER, extended))
    if command.status and mailbox is not None and mailbox.selectable:
        ctx.send(await status_of(ctx, mailbox, command.status))


async def run_lsub(command: List, ctx: Context) -> Done:
    r"""Subscribed names. With `%`, a level above some is told as \Noselect (RFC 3501 §6.3.9)."""
    tree = await _tree_of(ctx)
    matches = matcher(command.reference, command.patterns, ctx.settings.max_list_wildcards)
    told = {path for path in tree.subscribed if matches(path)}
    only_levels: set[str] = set()
    if command.patterns[0].endswith("%"):
        hidden = [path for path in tree.subscribed if path not in told]
        only_levels = {path for path in _levels_above(hidden) if matches(path)} - told
    for path in sorted(told | only_levels):
        mailbox = tree.mailboxes.get(path)
        attributes = ["\\Noselect"] if path in only_levels else []
        if not attributes and mailbox is not None and not mailbox.selectable:
            attributes = ["\\Noselect"]
        ctx.send(responses.ListData(path, attributes, DELIMITER, command="LSUB"))
    return Done()


async def run_namespace(command: None, ctx: Context) -> Done:
    """One personal namespace without a prefix."""
    ctx.send(responses.NamespaceData())
    return Done()


COMMANDS = (
    CommandSpec("LIST", AUTHENTICATED, parse_list, run_list),
    CommandSpec("LSUB", AUTHENTICATED, parse_lsub, run_lsub),
    CommandSpec("NAMESPACE", AUTHENTICATED, parse_nothing, run_namespace),
)
